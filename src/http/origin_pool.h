// OriginPool: the connections of a session, by origin (scheme, host and port; all of a session
// share one TLS identity). Idle ones are used again, the last one first. A request that finds none,
// and no room under the limits to open one, waits in line. Loop's thread only.
//
// Fairness: each origin has a line of its own, first in, first out. A connection that becomes free
// goes to the first in its origin's line, unless somebody who has waited longer is at an origin
// that has no connection at all: then an idle one makes room. So nobody starves, and nobody's
// connection is closed to open another one to the same purpose.
//
// A session may have lines for a hundred thousand origins (a crawler), so no step looks at all of
// them: those that can be served are found by what they wait for, and then by who is first.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/loop.h"
#include "http/connection.h"
#include "http/counters.h"
#include "http/line_heap.h"

namespace creche::http {

// Somebody who needs a connection. Destroying it leaves the line.
class ConnectionWaiter {
 public:
  // A kept connection, not idle any more.
  virtual void OnKept(std::unique_ptr<Connection> connection) noexcept = 0;
  // Room to open one: connect, and make a Connection of the slot.
  virtual void OnSlot(Slot slot) noexcept = 0;

 protected:
  ConnectionWaiter() = default;
  ~ConnectionWaiter() { Leave(); }
  void Leave() noexcept;
  bool waiting() const { return pool_ != nullptr; }

 private:
  friend class OriginPool;
  OriginPool* pool_ = nullptr;
  Origin* origin_ = nullptr;
  ConnectionWaiter* next_ = nullptr;
  ConnectionWaiter* prev_ = nullptr;
  uint64_t number_ = 0;
  bool fresh_ = false;
};

// What a pool knows of an origin. As a Line it is in one of the pool's heaps while somebody waits
// for it who can, or soon may, be served.
struct Origin : Line {
  std::string_view name;       // the key
  uint32_t open = 0;           // slots
  uint32_t idle_count = 0;     // connections in `idle`
  Connection* idle = nullptr;  // last used first
  ConnectionWaiter* first = nullptr;
  ConnectionWaiter* last = nullptr;
  bool pinned = false;  // in use though nothing is open and nobody waits
};

class OriginPool {
 public:
  struct Limits {
    uint32_t total = 100;      // sockets, idle and connecting ones too; 0: no limit
    uint32_t per_origin = 0;   // 0: no limit
    uint32_t max_waiting = 0;  // 0: no limit
    Nanos keepalive = 15 * kSecond;
  };

  OriginPool(Loop& loop, const Limits& limits, Counters& counters);
  ~OriginPool();
  OriginPool(const OriginPool&) = delete;
  OriginPool& operator=(const OriginPool&) = delete;

  enum class Answer { kGiven, kWaiting, kFull };
  // kGiven: OnKept or OnSlot was called, inside. kWaiting: it is called later, unless the waiter
  // leaves. kFull: max_waiting. fresh: a new connection, please, for kept ones proved to be dead.
  Answer Acquire(std::string_view origin, bool fresh, ConnectionWaiter* waiter);
  // Takes back a connection that can be used again: its keep_for() says how long.
  void Keep(std::unique_ptr<Connection> connection) noexcept;
  // Closes all idle ones.
  void Clear() noexcept;
  // Lines and connections looked at so far, to see how much work it was.
  uint64_t work() const noexcept {
    return work_ + kept_lines_.work() + new_lines_.work() + more_lines_.work();
  }

 private:
  friend class Connection;
  friend class ConnectionWaiter;
  friend class Slot;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  void Freed(Origin* origin) noexcept;
  void Drop(Connection* connection) noexcept;
  std::unique_ptr<Connection> Take(Connection* connection) noexcept;
  std::unique_ptr<Connection> TakeSound(Origin* origin) noexcept;
  bool MakeRoom(Origin* origin) noexcept;
  Connection* FindVictim(const Origin* origin) const noexcept;
  bool CanOpen(const Origin* origin) const noexcept;
  Slot TakeSlot(Origin* origin) noexcept;
  bool HasRoom() const noexcept {
    return limits_.total == 0 || counters_.open.get() < limits_.total;
  }
  void Place(Origin* origin) noexcept;
  void Serve(Origin* origin) noexcept;
  Origin* FirstToServe() const noexcept;
  void ServeAll() noexcept;
  void ServeSoon() noexcept;
  void StartWaiting(Origin* origin, ConnectionWaiter* waiter) noexcept;
  void StopWaiting(ConnectionWaiter* waiter) noexcept;
  void ForgetIfUnused(Origin* origin) noexcept;
  void CloseExpired() noexcept;

  Loop& loop_;
  const Limits limits_;
  // open, idle and waiting are kept here, where other threads can read them.
  Counters& counters_;
  std::unordered_map<std::string, Origin, Hash, std::equal_to<>> origins_;
  // Origins that somebody waits for, by what lets them be served.
  LineHeap kept_lines_;  // they have an idle connection: at once
  LineHeap new_lines_;   // nothing is open: room, or any idle connection to close
  LineHeap more_lines_;  // below their limit: room, or an idle connection that nobody waits for
  uint64_t awaited_idle_ = 0;  // idle connections of origins that somebody waits for
  mutable uint64_t work_ = 0;
  Connection* newest_ = nullptr;
  Connection* oldest_ = nullptr;
  uint64_t numbers_ = 0;
  Timer timer_;  // for the idle one that expires next, or earlier
  Nanos timer_at_ = kNever;
  Nanos next_sweep_ = 0;  // expired ones are closed in sweeps, not more often than this
  bool serving_ = false;
  Timer serve_;  // fires once, at once: lines are served in a clean place, not inside a destructor
};

}  // namespace creche::http
