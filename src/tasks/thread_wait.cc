#include "tasks/thread_wait.h"

#include "tasks/tree.h"

namespace creche::tasks {

ThreadWait::ThreadWait(uint64_t loop) noexcept {
  if (Loop::OnAnyLoop()) {
    status_ = Status::kWouldDeadlock;
    return;
  }
  Section section(loop, Bit(Kind::kLoop));
  status_ = section.status();
  if (!section.ok()) return;
  tree_ = Ref<Tree>::Share(section.tree());
  caller_runs_ = section.tree()->runner_.caller_runs;
  section.tree()->queues_.waiters++;  // its domain is there until this one is gone
}

ThreadWait::~ThreadWait() {
  if (!tree_) return;
  bool last;
  {
    Section section(*tree_);
    last = --tree_->queues_.waiters == 0 && tree_->life_.joined;
  }
  if (last) tree_->CloseCore();
}

bool ThreadWait::told() noexcept {
  std::lock_guard guard(lock_);
  return told_;
}

void ThreadWait::Wait() noexcept {
  for (bool turns = caller_runs_; turns && !told();) {
    {
      Section section(*tree_);
      turns = tree_->BeginAwait(this);
    }
    if (turns) (void)tree_->AwaitTurn(kNever);
  }
  std::unique_lock guard(lock_);
  changed_.wait(guard, [this] { return told_; });
}

void ThreadWait::Tell() noexcept {
  if (caller_runs_) {
    Section section(*tree_);
    tree_->NotifyAwaited(this);
  }
  std::lock_guard guard(lock_);
  told_ = true;
  changed_.notify_one();
}

}  // namespace creche::tasks
