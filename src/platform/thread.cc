#include "platform/thread.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <new>

#include "platform/user_code.h"

namespace creche::platform {

namespace {

struct Begin {
  void* (*fn)(void*);
  void* arg;
};

void* Main(void* begin) {
  const Begin own = *std::unique_ptr<Begin>(static_cast<Begin*>(begin));
  // A callback may cancel the thread that it runs on.
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  return own.fn(own.arg);
}

}  // namespace

int StartThread(pthread_t* thread, const char* name, void* (*fn)(void*), void* arg) noexcept {
  std::unique_ptr<Begin> begin(new (std::nothrow) Begin{fn, arg});
  if (!begin) return ENOMEM;
  // The new thread inherits the mask: block everything around its start, so that no signal of the
  // host's ever lands in it.
  sigset_t all, saved;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &saved);
  const int failed = pthread_create(thread, nullptr, Main, begin.get());
  pthread_sigmask(SIG_SETMASK, &saved, nullptr);
  if (failed) return failed;
  static_cast<void>(begin.release());  // Main's
  char cut[16];
  snprintf(cut, sizeof cut, "%s", name);
  pthread_setname_np(*thread, cut);
  return 0;
}

void ParkThread() noexcept {
  for (;;) pause();
}

}  // namespace creche::platform
