#include "http/body/stream_body.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "http/body/problems.h"

namespace creche::http {

namespace {

// Who gets bytes with their memory gets all of it, and may keep it: it should hold little else.
bool IsFull(const Buffer& memory) {
  return memory.size() >= memory.capacity() / 4 * 3;
}

// To be left as it is.
bool IsWhole(const Buffer& memory) {
  return memory.size() >= StreamBody::kWhole && IsFull(memory);
}

}  // namespace

Problem StreamBody::Append(const char* data, size_t size) noexcept {
  try {
    if (!decoder_ && IsWhole(last())) later_.emplace_back();
  } catch (const std::bad_alloc&) {
    return kNoMemory;
  }
  if (!last().Append(data, size)) return kNoMemory;
  held_ += size;
  return {};
}

bool StreamBody::Keep(Buffer* memory) noexcept {
  if (decoder_ || !IsWhole(*memory)) return false;
  const size_t size = memory->size();
  if (!coded_.empty()) {
    try {
      later_.emplace_back();
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  last().Swap(*memory);
  held_ += size;
  return true;
}

// The next piece, if the one before has been read.
void StreamBody::Advance() noexcept {
  if (!coded_.empty() || later_.empty()) return;
  coded_ = std::move(later_.front());
  later_.erase(later_.begin());
}

void StreamBody::DropAll() noexcept {
  coded_ = Buffer();
  later_.clear();
  held_ = 0;
}

void StreamBody::Consume(size_t size) noexcept {
  coded_.Consume(size);
  held_ -= size;
  Advance();
}

bool StreamBody::Take(size_t capacity, Buffer* all) noexcept {
  if (decoder_ || coded_.empty() || coded_.size() > capacity || !IsFull(coded_)) return false;
  held_ -= coded_.size();
  *all = std::exchange(coded_, Buffer());
  Advance();
  return true;
}

size_t StreamBody::Worth(size_t capacity) const noexcept {
  return std::min(capacity, decoder_ ? kHigh : coded_.size());
}

Problem StreamBody::Read(char* into, size_t capacity, size_t* size) noexcept {
  *size = 0;
  if (!decoder_) {
    while (*size < capacity && !coded_.empty()) {
      const size_t n = std::min(capacity - *size, coded_.size());
      std::memcpy(into + *size, coded_.data(), n);
      *size += n;
      Consume(n);
    }
    return {};
  }
  if (broken_) return DecodingProblem(*decoder_);
  if (barren_ > kMostBarren) return kNothingIn;
  std::string_view in = coded_.view();
  broken_ = !decoder_->Decode(&in, into, capacity, size);
  const size_t taken = coded_.size() - in.size();
  decoded_from_ += taken;
  barren_ = *size > 0 ? 0 : barren_ + taken;
  Consume(taken);
  more_ = *size == capacity;
  if (*size > 0) return {};  // what is wrong behind it is for the next read
  if (broken_) return DecodingProblem(*decoder_);
  if (barren_ > kMostBarren) return kNothingIn;
  if (finished() && !decoder_->Complete()) return kCodingCut;
  return {};
}

}  // namespace creche::http
