#include "tasks/closing.h"

#include <mutex>

namespace creche::tasks {

Status Closing::Tell(const StartArgs& args, uint64_t value) {
  std::lock_guard guard(lock_);
  if (ended_) return CloseNotice::Tell(loop_, args, queue_, value);
  CloseNotice notice;
  notices_.reserve(notices_.size() + 1);  // so that nothing fails once it is made
  const Status status = CloseNotice::Make(loop_, args, queue_, value, &notice);
  if (status == Status::kOk) notices_.push_back(notice);
  return status;
}

void Closing::EndIfUnused() noexcept {
  std::vector<CloseNotice> notices;
  {
    std::lock_guard guard(lock_);
    if (ended_ || operations_.load() != 0) return;
    ended_ = true;
    notices.swap(notices_);
  }
  // Behind the completions of all operations.
  for (CloseNotice& notice : notices) notice.Deliver(loop_);
  RemoveResident(loop_, resident_);
}

}  // namespace creche::tasks
