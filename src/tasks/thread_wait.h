// ThreadWait: the wait of a thread that has started one operation and has nothing to do before its
// end.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "core/ref.h"
#include "core/status.h"

namespace creche::tasks {

class Tree;

class ThreadWait {
 public:
  // Before the start of what is waited for. kWouldDeadlock on a loop's thread; the errors of the
  // loop's handle.
  explicit ThreadWait(uint64_t loop) noexcept;
  ~ThreadWait();
  ThreadWait(const ThreadWait&) = delete;
  ThreadWait& operator=(const ThreadWait&) = delete;
  Status status() const noexcept { return status_; }

  // Until Tell was called. Signals do not end it. The thread that runs a caller-run loop turns it.
  void Wait() noexcept;
  // From the completion, on the loop's thread, once; this may be gone when it returns.
  void Tell() noexcept;

 private:
  bool told() noexcept;

  Ref<Tree> tree_;
  Status status_ = Status::kOk;
  bool caller_runs_ = false;
  std::mutex lock_;  // guards told_
  std::condition_variable changed_;
  bool told_ = false;
};

}  // namespace creche::tasks
