// The body of a response on its way to the user: whole, decoded as it comes; or as a stream, kept
// as it comes and decoded as it is read.
#pragma once
#include <cstdint>
#include <memory>

#include "core/buffer.h"
#include "http/decoder.h"
#include "http/problem.h"

namespace creche::http {

class WholeBody {
 public:
  // A coded body may take twice as many bytes as the decoded one may have, and this: many small
  // pieces, each flushed, take about that. More is no body but something without an end.
  static constexpr uint64_t kCodedMore = 64 << 10;

  // max: bytes of the decoded body; coded it may be somewhat larger (kCodedMore). expected: what is
  // known to come, or 0.
  Problem Begin(std::unique_ptr<Decoder> decoder, uint64_t max, uint64_t expected) noexcept;
  Problem Append(const char* data, size_t size) noexcept;
  // So many more bytes are announced, for certain.
  Problem Expect(uint64_t size) const noexcept;
  // Nothing more comes. Puts a NUL behind the body.
  Problem End() noexcept;
  // Memory to receive the next bytes of a plain body in, so that Append need not copy; null if that
  // cannot be. left: bytes that are known to come.
  char* Room(uint64_t left, size_t* room) noexcept;
  Buffer& bytes() { return bytes_; }

 private:
  Problem Decode(const char* data, size_t size) noexcept;
  Buffer bytes_;
  std::unique_ptr<Decoder> decoder_;
  uint64_t max_ = 0;
  uint64_t coded_ = 0;  // bytes taken, of a body with a decoder
};

class StreamBody {
 public:
  // More than this is not kept unread: the server is held back.
  static constexpr size_t kHigh = 256 << 10;
  // With less than this left, reading goes on.
  static constexpr size_t kLow = 64 << 10;

  void Begin(std::unique_ptr<Decoder> decoder) { decoder_ = std::move(decoder); }
  [[nodiscard]] bool Append(const char* data, size_t size) noexcept {
    return coded_.Append(data, size);
  }
  // Nothing more comes.
  void End() { ended_ = true; }
  bool full() const { return coded_.size() >= kHigh; }
  bool low() const { return coded_.size() < kLow; }
  // How much room a Read of up to `capacity` bytes can fill now.
  size_t Worth(size_t capacity) const noexcept;
  // Stores up to `capacity` bytes, of those that are there. 0 with no problem: wait, or, if
  // finished(), the end.
  Problem Read(char* into, size_t capacity, size_t* size) noexcept;
  // Everything was read. Call after Read gave 0.
  bool finished() const { return ended_ && coded_.empty(); }
  // True if a Read is worth while.
  bool readable() const { return ended_ || !coded_.empty() || more_ || broken_; }

 private:
  Buffer coded_;
  std::unique_ptr<Decoder> decoder_;
  bool ended_ = false;
  bool more_ = false;    // the decoder filled the last room
  bool broken_ = false;  // what is left does not decode
};

}  // namespace creche::http
