// Rows: what a creche_rows handle owns: one block, in one piece of memory with its owner.
#pragma once
#include <cstddef>
#include <new>

#include "core/handles.h"
#include "core/ref.h"
#include "pg/rows/row_layout.h"

namespace creche::pg {

// Told when a block was released: for a stream, which may then go on.
class BlockListener : public RefCounted {
 public:
  // Any thread, no lock held.
  virtual void BlockReleased() noexcept = 0;
};

class Rows final : public Object {
 public:
  // With room for a block of so many bytes, not initialized. May throw bad_alloc.
  static Ref<Rows> Make(size_t bytes) { return Ref<Rows>::Adopt(new (bytes) Rows); }

  char* memory() noexcept { return reinterpret_cast<char*>(this) + kOffset; }
  RowBlock* block() noexcept { return reinterpret_cast<RowBlock*>(memory()); }
  const RowBlock* block() const noexcept { return const_cast<Rows*>(this)->block(); }

  void set_listener(Ref<BlockListener> listener) noexcept { listener_ = std::move(listener); }
  void Released() noexcept override {
    if (listener_) listener_->BlockReleased();
  }

  static void operator delete(void* p) noexcept { ::operator delete(p); }

 private:
  Rows() = default;
  static constexpr size_t kOffset = 64;
  static void* operator new(size_t, size_t bytes) { return ::operator new(kOffset + bytes); }
  static void operator delete(void* p, size_t) noexcept { ::operator delete(p); }

  Ref<BlockListener> listener_;
};

}  // namespace creche::pg
