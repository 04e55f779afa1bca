#include "pg/wire/inbox.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace creche::pg {

char* ReceiveSpace::get() noexcept {
  if (!memory_) memory_.reset(new (std::nothrow) char[kSize]);
  return memory_.get();
}

char* Inbox::Open(size_t wanted, size_t* room, bool own) noexcept {
  constexpr size_t kMuch = ReceiveSpace::kSize / 2;
  const size_t left = bytes_.size();
  if (!own && left <= kMuch && wanted <= ReceiveSpace::kSize) {
    char* space = space_.get();
    if (!space) return nullptr;
    if (left > 0) std::memcpy(space, bytes_.data(), left);
    bytes_ = {space, left};
    own_.Clear();
    opened_ = space + left;
    *room = ReceiveSpace::kSize - left;
    return opened_;
  }
  // A long message grows in memory of its own: as much again as has come, so that each byte is
  // moved about once.
  opened_ = nullptr;
  own_.Consume(own_.size() - left);
  const size_t missing = wanted > left ? wanted - left : kMuch;
  char* into = own_.Reserve(std::clamp(missing, size_t{1}, std::max(left, kMuch)));
  if (!into) {
    bytes_ = own_.view();
    return nullptr;
  }
  bytes_ = own_.view();
  *room = own_.room();
  return into;
}

void Inbox::Add(size_t size) noexcept {
  if (opened_) {
    bytes_ = {bytes_.data(), bytes_.size() + size};
  } else {
    own_.Commit(size);
    bytes_ = own_.view();
  }
}

bool Inbox::Close() noexcept {
  if (!opened_) {
    own_.Consume(own_.size() - bytes_.size());
  } else {
    opened_ = nullptr;
    if (!own_.Append(bytes_)) return false;
  }
  bytes_ = own_.view();
  constexpr size_t kKeep = 16 * 1024;
  if (own_.empty() && own_.capacity() > kKeep) own_.Release();
  return true;
}

}  // namespace creche::pg
