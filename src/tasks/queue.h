// Queue: a list of entries with a descriptor that is readable while the list has any or the queue
// is closed. Guarded by the lock of the loop's domain.
#pragma once
#include <cstdint>

#include "core/list.h"
#include "platform/unique_fd.h"
#include "tasks/entry_list.h"

namespace creche::tasks {

struct Queue : ListNode<Queue> {
  uint64_t id = 0;
  platform::UniqueFd fd;    // an eventfd, or a socket that a byte is in; non-blocking
  platform::UniqueFd peer;  // the other end of that socket
  uint32_t refs = 1;        // its handle, nodes that name it, waiting threads
  uint32_t accepted = 0;    // routes that will still bring something
  bool closed = false;      // takes no new routes
  bool released = false;    // what comes is thrown away
  bool signalled = false;   // the descriptor is readable
  EntryList entries;
  EntryList close_entries;  // the completions of its closes: PostEntry
  char* name = nullptr;

  // Opens the descriptors. Returns 0 or an errno.
  int Open(bool socket) noexcept;
  // Makes the descriptor say what it must.
  void Signal() noexcept;
  // Something is left: who watches for changes only (EPOLLET) hears of it as of something new.
  void SignalAgain() noexcept;

 private:
  void SetReadable() noexcept;
  void SetUnreadable() noexcept;
};

// Those of a loop.
struct Queues {
  List<Queue> all;
  uint32_t waiters = 0;  // threads that sleep on one of them
};

}  // namespace creche::tasks
