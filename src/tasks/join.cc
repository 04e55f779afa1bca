// The end of a loop: what is left to do when nothing lives in it, and the thread that waits for
// that.
#include <sys/eventfd.h>

#include <cerrno>

#include "platform/unique_fd.h"
#include "platform/wait.h"
#include "tasks/tree.h"

namespace creche::tasks {

// Everything in the tree has ended and the root is closed: what is left to do, step by step.
bool Tree::TryEnd(TreeLock& lock) noexcept {
  if (life_.ended || !ready_.empty() || !effects_.empty()) return false;
  if (Resident* resident = residents_.NextToClose()) {
    lock.unlock();
    if (!life_.residents_noted) NoteObjects();
    life_.residents_noted = true;
    resident->CloseForLoop();
    lock.lock();
    return true;
  }
  life_.residents_noted = true;
  if (residents_.closing()) return false;
  if (!life_.root_done_told) {
    life_.root_done_told = true;
    if (root_.route == Route::kFunction) {
      PushReady(&root_);
      return true;
    }
  }
  lock.unlock();
  StopWorkers();
  workers_.shared->Stop();
  workers_.limited->Stop();
  StopJobs();
  lock.lock();
  EmptyTrash(lock);
  life_.ended = true;
  if (runner_.join_fd >= 0) platform::Reactor::Wake(runner_.join_fd);
  return true;
}

Status Tree::Join(Nanos timeout, std::string* survivors) noexcept {
  const Nanos until = After(platform::MonotonicNow(), timeout);
  platform::UniqueFd fd;
  if (!runner_.caller_runs) {
    fd = platform::UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd) return Status::kSystem;
    Section section(*this);
    runner_.join_fd = fd.get();
  }
  int failed = 0;
  while (!HasEnded() && failed == 0) {
    if (runner_.caller_runs) {
      const Nanos left = timeout == kNever ? kNever : until - platform::MonotonicNow();
      bool signalled = false;
      if (left <= 0)
        failed = ETIMEDOUT;
      else if (!Turn(left, &signalled) && signalled)
        failed = EINTR;
    } else {
      failed = platform::WaitReadable(fd.get(), until);
    }
  }
  if (!HasEnded()) {
    Section section(*this);
    runner_.join_fd = -1;
    if (failed == ETIMEDOUT) Survivors(survivors);
    if (failed == EINTR) return Status::kInterrupted;
    return failed == 0 || failed == ETIMEDOUT ? Status::kTimeout : Status::kSystem;
  }
  if (runner_.has_thread) pthread_join(runner_.thread, nullptr);
  if (observers_.watchdog) observers_.watchdog->Stop();
  bool last;
  {
    Section section(*this);
    runner_.join_fd = -1;
    NoteForgotten();
    for (Queue *queue = queues_.all.first(), *next; queue; queue = next) {
      next = queues_.all.Next(queue);
      if (queue->released) continue;
      EndSlot(domain_, queue->id);
      DropQueue(queue);  // threads that sleep on it wake, and let go of it
    }
    while (EndNode* node = joinables_.PopFront()) {
      auto* group = static_cast<Group*>(node);
      EndSlot(domain_, group->id);
      group->joined = true;
      if (group->delivered) Free(group);
    }
    EndSlot(domain_, root_.id);
    life_.joined = true;
    queues_.waiters++;  // this thread too: a waiter that wakes now must not be the last
  }
  EmptyTrashAfterEnd();
  NoteObjects();
  if (observers_.trace) observers_.trace->Finish();
  DropWaitables();
  {
    Section section(*this);
    last = --queues_.waiters == 0;
  }
  if (last) CloseCore();
  return Status::kOk;
}

void Tree::EmptyTrashAfterEnd() noexcept {
  TreeLock lock(domain_->lock);
  EmptyTrash(lock);
}

Status JoinLoop(uint64_t id, Nanos timeout, std::string* survivors) noexcept {
  if (Loop::OnAnyLoop()) return Status::kWouldDeadlock;
  Ref<Tree> tree;
  {
    Section section(id, Bit(Kind::kLoop));
    if (!section.ok()) return section.status();
    tree = Ref<Tree>::Share(section.tree());
    if (tree->runner_.joining || tree->runner_.being_run) return Status::kState;
    tree->runner_.joining = true;
    tree->runner_.caller = pthread_self();
  }
  const Status status = tree->Join(timeout, survivors);
  if (status == Status::kOk) {
    tree->Unref();  // the handle's reference
  } else {
    Section section(*tree);
    tree->runner_.joining = false;
  }
  return status;
}

}  // namespace creche::tasks
