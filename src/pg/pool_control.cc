// Pool: what is changed while it is used: how many connections there are, and that none of them is
// to be given out again.
#include <new>
#include <utility>

#include "pg/pool.h"
#include "tasks/log.h"

namespace creche::pg {

bool Pool::Resize(uint32_t min_size, uint32_t max_size) noexcept {
  if (closing()) return false;
  asked_.store(uint64_t{min_size} << 32 | max_size);
  changes_.fetch_add(1);
  change_job_.Submit(*loop_);
  return true;
}

bool Pool::Expire() noexcept {
  if (closing()) return false;
  expire_asked_.store(true);
  changes_.fetch_add(1);
  change_job_.Submit(*loop_);
  return true;
}

void Pool::Change() noexcept {
  if (begun_close_ || changes_.load() == changed_) return;
  Apply();
  Serve();
}

void Pool::Apply() noexcept {
  changed_ = changes_.load();
  if (expire_asked_.exchange(false)) ExpireAll();
  ApplySize();
}

void Pool::Discard(Member* member) noexcept {
  shared_.counters.retired.Add();
  tasks::Log(*loop_, tasks::LogLevel::kDebug, tasks::LogEvent::kClosed, id(),
             "a connection to PostgreSQL is closed: its time has come", [](tasks::LogRecord*) {});
  Retire(member);
  MaybeClosed();
}

void Pool::MakeRoom(size_t size) {
  members_.reserve(size);
  idle_.reserve(size);
  connectors_.reserve(size);
  retired_.reserve(size);
  retired_connectors_.reserve(size);
}

void Pool::ApplySize() noexcept {
  const uint64_t asked = asked_.load();
  const auto max = static_cast<uint32_t>(asked);
  try {
    MakeRoom(max);
  } catch (const std::bad_alloc&) {
    changed_ = changes_.load() - 1;
    change_job_.Submit(*loop_);  // the next turn tries again
    return;
  }
  min_ = asked >> 32;
  max_ = max;
  // What is on its way goes first, then what is idle; then what several share takes no more. What
  // somebody has goes when he gives it back (Rest).
  while (size() > max_ && !connectors_.empty()) connectors_.pop_back();
  while (members_.size() > max_ && !idle_.empty()) Discard(idle_.front());
  size_t over = members_.size() > max_ ? members_.size() - max_ : 0;
  for (const auto& member : members_) {
    if (over == 0) break;
    if (member->state() != Member::State::kShared) continue;
    member->expires = 0;
    over--;
  }
}

void Pool::ExpireAll() noexcept {
  shared_.catalogs.Forget();
  // A name may stand for another server by now.
  if (resolver_) resolver_->ClearCache();
  known_addresses_.all.clear();
  connectors_.clear();
  for (const auto& member : members_) member->expires = 0;
  while (!idle_.empty()) Discard(idle_.back());
}

}  // namespace creche::pg
