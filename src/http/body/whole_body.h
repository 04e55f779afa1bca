// WholeBody: the body of a response as one piece of memory, decoded as it comes.
#pragma once
#include <cstdint>
#include <memory>

#include "core/buffer.h"
#include "http/body/decoder.h"
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

}  // namespace creche::http
