// What a thread of the host's leaves behind in thread-local memory is cleaned when it ends.
#pragma once

namespace creche::platform {

// Has clean() called when this thread ends, also by pthread_exit, however often it was asked for;
// one function in the whole library. False: the system cannot.
bool AtThreadEnd(void (*clean)()) noexcept;

}  // namespace creche::platform
