// WholeBody: the body of a response as one piece of memory, decoded as it comes.
#pragma once
#include <cstdint>
#include <memory>

#include "core/buffer.h"
#include "http/body/decoder.h"
#include "http/body/sink.h"

namespace creche::http {

class WholeBody final : public BodySink {
 public:
  // A coded body may take twice as many bytes as the decoded one may have, and this: many small
  // pieces, each flushed, take about that. More is no body but something without an end.
  static constexpr uint64_t kCodedMore = 64 << 10;
  static constexpr uint64_t MostCoded(uint64_t max) {
    return max > (UINT64_MAX - kCodedMore) / 2 ? UINT64_MAX : 2 * max + kCodedMore;
  }

  // Before Begin. max: bytes of the decoded body; coded it may be somewhat larger (kCodedMore).
  void Prepare(std::unique_ptr<Decoder> decoder, uint64_t max) noexcept;
  Problem Begin(uint64_t expected) noexcept override;
  Problem Expect(uint64_t size) noexcept override;
  Problem Append(const char* data, size_t size) noexcept override;
  bool Keep(Buffer* memory) noexcept override;
  char* Room(uint64_t left, size_t* room) noexcept override;
  // Nothing more comes. Puts a NUL behind the body.
  Problem End() noexcept;
  Buffer& bytes() { return bytes_; }

 private:
  Problem Decode(const char* data, size_t size) noexcept;
  bool ReserveExpected() noexcept;
  Buffer bytes_;
  std::unique_ptr<Decoder> decoder_;
  uint64_t max_ = 0;
  uint64_t coded_ = 0;     // bytes taken, of a body with a decoder
  uint64_t expected_ = 0;  // in all, if it has none; 0: not known
};

}  // namespace creche::http
