#include "platform/thread.h"

#include <signal.h>

#include <cstdio>

namespace creche::platform {

int StartThread(pthread_t* thread, const char* name, void* (*fn)(void*), void* arg) noexcept {
  // The new thread inherits the mask: block everything around its start, so that no signal of the
  // host's ever lands in it.
  sigset_t all, saved;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &saved);
  const int failed = pthread_create(thread, nullptr, fn, arg);
  pthread_sigmask(SIG_SETMASK, &saved, nullptr);
  if (failed) return failed;
  char cut[16];
  snprintf(cut, sizeof cut, "%s", name);
  pthread_setname_np(*thread, cut);
  return 0;
}

}  // namespace creche::platform
