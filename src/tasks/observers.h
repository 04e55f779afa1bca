// Observers: who looks at a loop: hooks, and the watchdog of its callbacks. Set before anybody
// knows the loop.
#pragma once
#include <memory>

#include "tasks/trace.h"
#include "tasks/watchdog.h"

namespace creche::tasks {

struct Observers {
  Ref<Trace> trace;                    // null: no hooks
  std::unique_ptr<Watchdog> watchdog;  // null: no stall reports

  bool wants(EventType type) const noexcept { return trace && trace->wants(type); }
  void EnterCallback(const EndNode* node, What what, DoneFn fn) noexcept {
    if (watchdog) watchdog->Enter(node, what, fn);
  }
  void LeaveCallback() noexcept {
    if (watchdog) watchdog->Leave();
  }
};

}  // namespace creche::tasks
