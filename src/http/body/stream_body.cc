#include "http/body/stream_body.h"

#include <algorithm>
#include <cstring>

#include "http/body/problems.h"

namespace creche::http {

Problem StreamBody::Append(const char* data, size_t size) noexcept {
  return coded_.Append(data, size) ? Problem{} : kNoMemory;
}

size_t StreamBody::Worth(size_t capacity) const noexcept {
  return std::min(capacity, decoder_ ? kHigh : coded_.size());
}

Problem StreamBody::Read(char* into, size_t capacity, size_t* size) noexcept {
  *size = 0;
  if (!decoder_) {
    *size = std::min(capacity, coded_.size());
    if (*size > 0) std::memcpy(into, coded_.data(), *size);
    coded_.Consume(*size);
    return {};
  }
  if (broken_) return DecodingProblem(*decoder_);
  std::string_view in = coded_.view();
  broken_ = !decoder_->Decode(&in, into, capacity, size);
  coded_.Consume(coded_.size() - in.size());
  more_ = *size == capacity;
  if (*size > 0) return {};  // what is wrong behind it is for the next read
  if (broken_) return DecodingProblem(*decoder_);
  if (finished() && !decoder_->Complete()) return kCodingCut;
  return {};
}

}  // namespace creche::http
