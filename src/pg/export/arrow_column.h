// ArrowColumn: the cells of one column, in the form in which Arrow has them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "pg/export/arrow.h"

namespace creche::pg {

class ArrowColumn {
 public:
  ArrowColumn(const RowView& rows, uint32_t column, const ArrowOptions& options);
  // Null, or why this cell cannot be given away. Cells come in their order. May throw bad_alloc.
  const char* Add(uint64_t row);
  // All have come.
  void Finish();

  const std::string& format() const noexcept { return format_; }
  int64_t nulls() const noexcept { return nulls_; }
  // As many as its format has, the bitmap of what is no NULL first.
  std::vector<std::vector<char>>& buffers() noexcept { return buffers_; }

 private:
  enum class Form : uint8_t { kBool, kNumber, kBytes, kUuid, kDecimal, kText };
  void Choose(const ArrowOptions& options);
  void SetBit(std::vector<char>* bits, bool set);
  void AddNull();
  const char* Refuse(const char* why);
  const char* AddNumber(const RowView::Cell& cell);
  const char* AddDecimal(const RowView::Cell& cell);
  void AddBytes(const void* bytes, size_t size);
  void Put(const void* bytes, size_t size);

  const RowView& rows_;
  const uint32_t column_;
  const uint32_t type_;
  const bool strict_;
  Form form_ = Form::kText;
  size_t width_ = 0;  // of a value, in bytes; 0: they differ, or are bits
  int precision_ = 0;
  int scale_ = 0;
  int64_t count_ = 0;
  int64_t nulls_ = 0;
  std::string format_;
  std::vector<char> valid_;
  std::vector<char> data_;
  std::vector<int64_t> ends_;  // of the values that differ in size
  std::vector<std::vector<char>> buffers_;
};

}  // namespace creche::pg
