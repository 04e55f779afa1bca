// Rows: what a creche_rows handle owns: one block, in one piece of memory with its owner.
#pragma once
#include <cstddef>
#include <new>

#include "core/blocks.h"
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
  static Ref<Rows> Make(size_t bytes) {
    const Size all{kOffset + bytes};
    return Ref<Rows>::Adopt(new (all) Rows(all));
  }

  // The same for bytes that are no block: what a COPY has said.
  static Ref<Rows> MakeBytes(size_t bytes) {
    Ref<Rows> made = Make(bytes);
    made->is_block_ = false;
    return made;
  }

  char* memory() noexcept { return reinterpret_cast<char*>(this) + kOffset; }
  RowBlock* block() noexcept { return reinterpret_cast<RowBlock*>(memory()); }
  bool is_block() const noexcept { return is_block_; }
  const RowBlock* block() const noexcept { return const_cast<Rows*>(this)->block(); }

  void set_listener(Ref<BlockListener> listener) noexcept { listener_ = std::move(listener); }
  void Released() noexcept override {
    if (listener_) listener_->BlockReleased();
  }

  static void operator delete(Rows* rows, std::destroying_delete_t) noexcept {
    const size_t size = rows->size_;
    rows->~Rows();
    Blocks::Give(rows, size);
  }

 private:
  struct Size {
    size_t bytes;
  };
  explicit Rows(Size all) noexcept : size_(all.bytes) {}
  static constexpr size_t kOffset = 64;
  static void* operator new(size_t, Size all) {
    if (void* memory = Blocks::Take(all.bytes)) return memory;
    throw std::bad_alloc();
  }

  const size_t size_;
  bool is_block_ = true;
  Ref<BlockListener> listener_;
};
static_assert(sizeof(Rows) <= 64, "the block is behind it");

}  // namespace creche::pg
