// FailedBegins: the begins on a leased connection that have failed, or were cancelled, and whose
// users may not know of it yet. What somebody starts before he can know belongs to the transaction
// that never was, and fails in it; what he starts later has nothing to do with it.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "pg/command/level.h"
#include "tasks/operation.h"

namespace creche::pg {

class FailedBegins {
 public:
  // Any thread: what is accepted now comes behind the news of this one and of all before it; 0: of
  // none. again: it is a begin, which tells that its user knows as soon as he can.
  uint32_t Known(const Loop& loop, bool again) const noexcept {
    return count_.load() == 0 ? 0 : LookForKnown(loop, again);
  }

  // ---- Loop's thread ----
  // heard: somebody will be told. What is returned goes with that completion. May throw bad_alloc.
  std::unique_ptr<tasks::Held> Add(uint64_t task, Ref<Level> level, bool heard);
  // It is over otherwise: by a commit or rollback of its own.
  void Remove(const Level* level) noexcept;
  // The first of those that are known, which is no longer in here; null if there is none.
  Ref<Level> TakeKnown(uint32_t known) noexcept;

 private:
  uint32_t LookForKnown(const Loop& loop, bool again) const noexcept;
  struct Told;
  struct Begin {
    uint32_t number;
    uint64_t task;
    Ref<Level> level;
    std::shared_ptr<std::atomic<bool>> told;
    bool heard;
  };
  std::atomic<size_t> count_{0};
  mutable std::mutex lock_;  // for what follows
  std::vector<Begin> begins_;
  uint32_t last_ = 0;
};

}  // namespace creche::pg
