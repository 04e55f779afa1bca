// Buffer: bytes that arrive at one end and are consumed at the other, in one piece of memory.
// Consuming is free; room is made by moving what is left to the front, or by growing.
#pragma once
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

namespace creche {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { Swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Swap(other);
    return *this;
  }
  ~Buffer() { Release(); }

  const char* data() const noexcept { return memory_ + begin_; }
  char* data() noexcept { return memory_ + begin_; }
  size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return end_ == begin_; }
  size_t capacity() const noexcept { return capacity_; }
  std::string_view view() const noexcept { return {data(), size()}; }

  // Room for at least `size` bytes behind the last one (there may be more: see room()); null
  // without memory, and nothing changed. Fill it and call Commit. Moves the bytes: data() changes.
  [[nodiscard]] char* Reserve(size_t size) noexcept {
    return size <= room() && memory_ ? memory_ + end_ : MakeRoom(size);
  }
  size_t room() const noexcept { return capacity_ - end_; }
  void Commit(size_t size) noexcept { end_ += size; }
  // False without memory, and nothing changed.
  [[nodiscard]] bool Append(const void* bytes, size_t size) noexcept;
  [[nodiscard]] bool Append(std::string_view text) noexcept {
    return Append(text.data(), text.size());
  }
  // Takes `size` bytes away at the front.
  void Consume(size_t size) noexcept {
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void Clear() noexcept { begin_ = end_ = 0; }
  // Forgets the bytes and gives the memory back: for idle connections.
  void Release() noexcept;
  void Swap(Buffer& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  char* MakeRoom(size_t size) noexcept;

  char* memory_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace creche
