// Threads of the library: all signals blocked, a name, joined by their owner.
#pragma once
#include <pthread.h>

namespace creche::platform {

// Starts fn(arg) on a new thread with all signals blocked and a name (cut at 15 bytes).
// Returns 0 or an errno.
int StartThread(pthread_t* thread, const char* name, void* (*fn)(void*), void* arg) noexcept;

}  // namespace creche::platform
