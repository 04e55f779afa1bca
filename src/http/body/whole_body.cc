#include "http/body/whole_body.h"

#include <algorithm>

#include "http/body/problems.h"

namespace creche::http {

namespace {

constexpr Problem kTooLarge{Status::kLimit,
                            "the body is larger than max_body: raise it, or read it as a stream"};
constexpr Problem kCodedTooLarge{
    Status::kLimit, "the coded body is far larger than max_body: raise it, or read it as a stream"};

// A server may promise a lot and send nothing: more is only taken as it comes.
constexpr uint64_t kTrusted = 1 << 20;
constexpr size_t kDecodeStep = 64 << 10;

}  // namespace

void WholeBody::Prepare(std::unique_ptr<Decoder> decoder, uint64_t max) noexcept {
  decoder_ = std::move(decoder);
  max_ = max;
  coded_ = 0;
  if (!bytes_.empty()) bytes_ = Buffer();  // of an attempt that failed
}

Problem WholeBody::Begin(uint64_t expected) noexcept {
  expected_ = expected;
  return Expect(expected);
}

// Room for all that will come, and a NUL: once, before the first bytes.
bool WholeBody::ReserveExpected() noexcept {
  if (bytes_.capacity() > 0 || expected_ == 0) return true;
  return bytes_.Reserve(static_cast<size_t>(std::min(expected_, kTrusted)) + 1) != nullptr;
}

// If all of the body, and a NUL, has room where its first bytes are, and leaves little of that.
bool WholeBody::Keep(Buffer* memory) noexcept {
  const size_t had = memory->size();
  if (decoder_ || !bytes_.empty() || expected_ < had) return false;
  if (expected_ - had >= memory->room() || expected_ < memory->capacity() / 4 * 3) return false;
  bytes_.Swap(*memory);
  return true;
}

Problem WholeBody::Expect(uint64_t size) noexcept {
  if (!decoder_) return size > max_ - bytes_.size() ? kTooLarge : Problem{};
  return size > MostCoded(max_) - coded_ ? kCodedTooLarge : Problem{};
}

char* WholeBody::Room(uint64_t left, size_t* room) noexcept {
  if (decoder_) return nullptr;
  *room = static_cast<size_t>(std::min(left, kTrusted));
  return ReserveExpected() ? bytes_.Reserve(*room + 1) : nullptr;
}

Problem WholeBody::Append(const char* data, size_t size) noexcept {
  if (const Problem problem = Expect(size); problem.bad()) return problem;
  if (decoder_) return Decode(data, size);
  if (data == bytes_.data() + bytes_.size()) {  // received in Room
    bytes_.Commit(size);
    return {};
  }
  return ReserveExpected() && bytes_.Append(data, size) ? Problem{} : kNoMemory;
}

Problem WholeBody::Decode(const char* data, size_t size) noexcept {
  coded_ += size;
  std::string_view in(data, size);
  size_t made = 0;
  size_t room = 0;
  do {
    // One byte more than may be, to know that there is more.
    room = static_cast<size_t>(std::min<uint64_t>(kDecodeStep, max_ - bytes_.size() + 1));
    char* into = bytes_.Reserve(room + 1);
    if (!into) return kNoMemory;
    if (!decoder_->Decode(&in, into, room, &made)) return DecodingProblem(*decoder_);
    bytes_.Commit(made);
    if (bytes_.size() > max_) return kTooLarge;
  } while (!in.empty() || made == room);
  return {};
}

Problem WholeBody::End() noexcept {
  if (decoder_ && !decoder_->Complete()) return kCodingCut;
  decoder_.reset();
  char* nul = bytes_.Reserve(1);
  if (!nul) return kNoMemory;
  *nul = '\0';
  return {};
}

}  // namespace creche::http
