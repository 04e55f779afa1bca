// Threads of the library: all signals blocked, a name, joined by their owner.
#pragma once
#include <pthread.h>

namespace creche::platform {

// Starts fn(arg) on a new thread with all signals blocked and a name (cut at 15 bytes).
// Returns 0 or an errno.
int StartThread(pthread_t* thread, const char* name, void* (*fn)(void*), void* arg) noexcept;

// While it lives nobody's pthread_cancel ends this thread: its frames cannot be unwound. Who was
// cancelled meanwhile is at the next place for it after that. For what waits, and for all that
// opens or closes descriptors on a thread of the host's; threads of our own are never cancelled.
class NotCancelled {
 public:
  NotCancelled() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NotCancelled() { pthread_setcancelstate(before_, nullptr); }
  NotCancelled(const NotCancelled&) = delete;
  NotCancelled& operator=(const NotCancelled&) = delete;

 private:
  int before_;
};

}  // namespace creche::platform
