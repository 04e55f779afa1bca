#include "pg/failed_begins.h"

#include <algorithm>

#include "core/handles.h"

namespace creche::pg {

// Goes when the callback has returned, or the drained completion is released.
struct FailedBegins::Told final : tasks::Held {
  explicit Told(std::shared_ptr<std::atomic<bool>> flag) : told(std::move(flag)) {}
  ~Told() override { told->store(true); }
  const std::shared_ptr<std::atomic<bool>> told;
};

uint32_t FailedBegins::LookForKnown(const Loop& loop, bool again) const noexcept {
  const std::lock_guard guard(lock_);
  uint32_t known = 0;
  for (const Begin& begin : begins_) {
    if (!begin.heard) continue;
    bool told = begin.told->load();
    if (!told && (again || loop.OnThread())) {
      // The task's id ends as its callback begins.
      Status status = Status::kOk;
      told = !PeekDomain(begin.task, Bit(Kind::kTask), &status) && status == Status::kEnded;
    }
    if (told) known = std::max(known, begin.number);
  }
  return known;
}

std::unique_ptr<tasks::Held> FailedBegins::Add(uint64_t task, Ref<Level> level, bool heard) {
  auto told = std::make_shared<std::atomic<bool>>(false);
  auto held = std::make_unique<Told>(told);
  const std::lock_guard guard(lock_);
  begins_.push_back({last_ + 1, task, std::move(level), std::move(told), heard});
  last_++;
  count_.store(begins_.size());
  if (!heard) return nullptr;
  return held;
}

void FailedBegins::Remove(const Level* level) noexcept {
  if (count_.load() == 0) return;
  const std::lock_guard guard(lock_);
  std::erase_if(begins_, [=](const Begin& begin) { return begin.level.get() == level; });
  count_.store(begins_.size());
}

Ref<Level> FailedBegins::TakeKnown(uint32_t known) noexcept {
  if (known == 0 || count_.load() == 0) return nullptr;
  const std::lock_guard guard(lock_);
  const auto it = std::find_if(begins_.begin(), begins_.end(),
                               [=](const Begin& begin) { return begin.number <= known; });
  if (it == begins_.end()) return nullptr;
  Ref<Level> level = std::move(it->level);
  begins_.erase(it);
  count_.store(begins_.size());
  return level;
}

}  // namespace creche::pg
