// What tasks wait on: limiters, rate limiters, events, channels. All under the lock of the loop's
// domain: a result is handed to a waiter in the call that makes it possible, from whichever thread
// that comes, and a waiter that is cancelled leaves its line in the call that cancels it. So
// nothing can get lost between two of them. A new one: a struct of this base in a file beside this
// one, whose functions are declared in api.h.
#pragma once
#include <cstdint>

#include "tasks/node/wait_node.h"

namespace creche::tasks {

// Lives until its handles are released and nobody needs it any more, or with its loop.
struct Waitable : ListNode<Waitable> {
  virtual ~Waitable();
  Waitable() = default;
  // The last reference deletes it.
  void Unref() noexcept;
  // Commits the result of a task that may have it now, or puts it into a line.
  virtual void Enter(WaitNode* wait) noexcept = 0;
  // The task ends otherwise, in a line or before it came to that: it leaves the line and gives back
  // what was reserved for it. Commits nobody: its caller may be walking the tree.
  virtual void Leave(WaitNode* wait) noexcept = 0;
  // Its loop has ended, and it goes: with the lock; without it.
  virtual void EndIds() noexcept;
  virtual void LoopEnded() noexcept {}
  // Its handle, or one of them; 0 if all are released. How many there are.
  virtual uint64_t Handle() const noexcept { return id; }
  virtual uint32_t Handles() const noexcept { return id != 0; }
  // For dumps: "limiter".
  virtual const char* WaitName(const WaitNode* wait) const noexcept = 0;

  Tree* tree = nullptr;
  Phase phase = Phase::kNone;  // of those that are cancelled while they wait
  uint64_t id = 0;             // 0 for channels: their ends have one each
  uint32_t refs = 1;           // handles, waiting tasks, tokens
  bool closed = false;
  char* name = nullptr;  // malloc'd
};

inline ErrorRef ClosedError(const char* text) noexcept {
  return MakeError(Status::kClosed, Phase::kNone, text);
}

// Those of a loop.
struct Waitables {
  List<Waitable> all;
  size_t rates = 0;  // how many of them are rate limiters
};

}  // namespace creche::tasks
