// RefusedBody: the start of the body of an answer that is a failure, for its error. The rest is
// read over.
#pragma once
#include <memory>
#include <string>

#include "http/body/decoder.h"
#include "http/body/sink.h"

namespace creche::http {

class RefusedBody final : public BodySink {
 public:
  static constexpr size_t kMost = 4 << 10;

  // decoder: null for none.
  explicit RefusedBody(std::unique_ptr<Decoder> decoder) : decoder_(std::move(decoder)) {}
  // What is kept: as much as could be decoded.
  std::string Take() { return std::move(kept_); }

  Problem Begin(uint64_t) noexcept override { return {}; }
  Problem Append(const char* data, size_t size) noexcept override;
  bool full() const noexcept override { return broken_ || kept_.size() == kMost; }
  Nanos patience() const noexcept override { return kSecond; }

 private:
  std::unique_ptr<Decoder> decoder_;
  std::string kept_;
  bool broken_ = false;
};

}  // namespace creche::http
