// Watchdog: a thread that sees when a callback blocks the loop. It exists only if it was asked for.
// The loop notes which callback runs by plain stores; the thread looks at that from time to time.
#pragma once
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "core/status.h"
#include "tasks/operation.h"

namespace creche::tasks {

class Watchdog {
 public:
  // after: how long a callback may take.
  Watchdog(Tree& tree, Nanos after) noexcept;
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  // Returns 0 or an errno.
  int Start() noexcept;
  // Returns when its thread has ended. Idempotent. No lock held, not in a hook.
  void Stop() noexcept;

  // Loop's thread: a callback begins, for a node or, posted, for none; it has returned. The node
  // must live until the loop, after Leave, has let go of the tree's lock.
  void Enter(const EndNode* node, What what, DoneFn fn) noexcept {
    node_.store(node, std::memory_order_relaxed);
    what_.store(what, std::memory_order_relaxed);
    fn_.store(fn, std::memory_order_relaxed);
    runs_.store(runs_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  void Leave() noexcept {
    runs_.store(runs_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

 private:
  static void* Main(void* self);
  void Watch() noexcept;
  void Report(uint64_t run, Nanos duration) noexcept;

  Tree& tree_;
  const Nanos after_;
  std::atomic<uint64_t> runs_{0};  // odd: a callback runs, and this is its number
  std::atomic<const EndNode*> node_{nullptr};
  std::atomic<What> what_{What::kDone};
  std::atomic<DoneFn> fn_{nullptr};

  pthread_t thread_{};
  bool started_ = false;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // guarded by mutex_
};

}  // namespace creche::tasks
