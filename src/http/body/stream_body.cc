#include "http/body/stream_body.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "http/body/problems.h"

namespace creche::http {

Problem StreamBody::Append(const char* data, size_t size) noexcept {
  return coded_.Append(data, size) ? Problem{} : kNoMemory;
}

namespace {
// Who gets bytes with their memory gets all of it, and may keep it: it should hold little else.
bool IsFull(const Buffer& memory) {
  return memory.size() >= memory.capacity() / 4 * 3;
}
}  // namespace

bool StreamBody::Keep(Buffer* memory) noexcept {
  if (decoder_ || !coded_.empty() || !IsFull(*memory)) return false;
  coded_.Swap(*memory);
  return true;
}

bool StreamBody::Take(size_t capacity, Buffer* all) noexcept {
  if (decoder_ || coded_.empty() || coded_.size() > capacity || !IsFull(coded_)) return false;
  *all = std::exchange(coded_, Buffer());
  return true;
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
