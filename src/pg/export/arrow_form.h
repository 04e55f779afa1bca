// Twins of the structs of the Arrow C Data Interface (creche/export.h; capi asserts that they are).
#pragma once
#include <cstdint>

namespace creche::pg {

struct ArrowSchema {
  static constexpr int64_t kNullable = 2;
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

}  // namespace creche::pg
