// The border to code of the user's: callbacks, hooks, frees.
#pragma once
#include <cxxabi.h>

// GCC's UBSan reports that there is no object behind what a forced unwind is caught by, also in
// whatever function the catch is inlined into.
#if defined(__SANITIZE_ADDRESS__)
#define CRECHE_FORCED_UNWINDS [[gnu::no_sanitize("null"), gnu::noinline]]
#else
#define CRECHE_FORCED_UNWINDS
#endif

namespace creche::platform {

// Never returns: the thread waits until its process ends.
[[noreturn]] void ParkThread() noexcept;

// Calls code of the user's. A runtime may stop a thread in there by pthread_exit (CPython up to
// 3.13 does at its exit, to every thread that comes back to it), which unwinds the stack by force.
// Our frames cannot be unwound, and the process shall go on: the thread is parked here. Other
// exceptions find the end of the program, as before, with the stack as it was. No lock may be held.
template <class F, class... Args>
CRECHE_FORCED_UNWINDS inline auto CallUser(F* function, Args... args) noexcept {
  try {
    return function(args...);
  } catch (const abi::__forced_unwind&) {
    ParkThread();
  }
}

}  // namespace creche::platform
