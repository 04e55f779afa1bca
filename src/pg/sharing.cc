#include "pg/sharing.h"

#include <algorithm>
#include <bit>

namespace creche::pg {

size_t Sharing::LevelOf(Member* member) noexcept {
  return std::min(member->connection().load(), kMost);
}

bool Sharing::Takes(Member* member) noexcept {
  return member->state() == Member::State::kShared && !member->reserved &&
         member->connection().shareable();
}

void Sharing::Unlink(Member* member) noexcept {
  List<Member>::Remove(member);
  if (by_load_[member->level].empty()) used_ &= ~(uint64_t{1} << member->level);
}

void Sharing::Remove(Member* member) noexcept {
  if (latest_ == member) latest_ = nullptr;
  if (List<Member>::Has(member)) Unlink(member);
}

void Sharing::Update(Member* member) noexcept {
  if (!Takes(member)) return Remove(member);
  const size_t level = LevelOf(member);
  if (List<Member>::Has(member)) {
    if (member->level == level) return;
    Unlink(member);
  }
  member->level = static_cast<uint8_t>(level);
  by_load_[level].PushBack(member);
  used_ |= uint64_t{1} << level;
}

Member* Sharing::Pick(Nanos now) noexcept {
  while (used_ != 0) {
    const auto level = static_cast<size_t>(std::countr_zero(used_));
    Member* best = by_load_[level].first();
    if (!Takes(best) || best->expires <= now) {
      Remove(best);  // it ends with what it has
      continue;
    }
    if (LevelOf(best) != level) {
      Update(best);
      continue;
    }
    // What goes together costs one send and wakes one server process.
    if (latest_ && latest_ != best && latest_->connection().gathers() && Takes(latest_)) {
      const size_t load = best->connection().load();
      if (latest_->connection().load() <= load + load / 2 && latest_->expires > now) return latest_;
    }
    return best;
  }
  return nullptr;
}

}  // namespace creche::pg
