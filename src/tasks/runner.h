// Runner: which thread runs a loop, and what it waits for meanwhile. Guarded by the lock of the
// loop's domain.
#pragma once
#include <pthread.h>

namespace creche::tasks {

struct Runner {
  pthread_t thread{};  // the loop's own
  bool has_thread = false;
  bool caller_runs = false;
  bool being_run = false;
  bool joining = false;
  pthread_t caller{};             // who has run a caller-run loop last, or opened it
  const void* awaited = nullptr;  // by who turns the loop meanwhile: a group, a queue
  bool came = false;              // that has come
  int join_fd = -1;               // an eventfd of the thread that joins
};

}  // namespace creche::tasks
