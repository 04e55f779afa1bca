// BoundedDecoder: a decoder that gives up when it makes far more than it was given: what expands
// like that was made to. The first 64 KiB are free, for a short body of blanks is no attack.
#pragma once
#include <cstdint>
#include <memory>
#include <utility>

#include "http/body/decoder.h"

namespace creche::http {

class BoundedDecoder final : public Decoder {
 public:
  static constexpr uint64_t kFree = 64 << 10;

  // most: decoded bytes for each coded one.
  BoundedDecoder(std::unique_ptr<Decoder> decoder, uint32_t most)
      : decoder_(std::move(decoder)), most_(most) {}
  bool Decode(std::string_view* in, char* out, size_t capacity, size_t* made) noexcept override {
    const size_t before = in->size();
    if (!decoder_->Decode(in, out, capacity, made)) return false;
    taken_ += before - in->size();
    made_ += *made;
    too_much_ = made_ > kFree && made_ / most_ > taken_;
    return !too_much_;
  }
  bool NoMemory() const noexcept override { return decoder_->NoMemory(); }
  bool TooMuch() const noexcept override { return too_much_; }
  bool Complete() const noexcept override { return decoder_->Complete(); }

 private:
  const std::unique_ptr<Decoder> decoder_;
  const uint64_t most_;
  uint64_t taken_ = 0;
  uint64_t made_ = 0;
  bool too_much_ = false;
};

}  // namespace creche::http
