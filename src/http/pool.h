// Pool: the connections of a session, by route, and who waits for one. It opens them, lends out
// places on them (one each, or many where the protocol can do that), and keeps what is idle, to be
// used again: the last one first. A request that finds no place, and no room under the limits to
// open another connection, waits in line. Loop's thread only.
//
// Fairness: each route has a line of its own, first in, first out. A place that becomes free goes
// to the first in its route's line, unless somebody who has waited longer is at a route that has no
// connection at all: then an idle one makes room. So nobody starves, and nobody's connection is
// closed to open another one to the same purpose.
//
// Where a connection may turn out to carry many, one is opened at a time: those who come meanwhile
// wait to share it, and have it if whom it was opened for is gone.
//
// A session may have lines for a hundred thousand origins (a crawler), so no step looks at all of
// them: those that can be served are found by what they wait for, and then by who is first.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/loop.h"
#include "http/counters.h"
#include "http/pool_line.h"

namespace creche::http {

class Pool {
 public:
  struct Limits {
    uint32_t total = 100;       // connections, idle ones and those being opened too; 0: no limit
    uint32_t per_route = 0;     // 0: no limit
    uint32_t max_waiting = 0;   // 0: no limit
    uint32_t max_requests = 0;  // that a connection carries; 0: no limit
    uint32_t streams_per_connection = 0;  // requests at a time; 0: as many as the server allows
    Nanos keepalive = 15 * kSecond;
    Nanos max_lifetime = kNever;  // of a connection; it ends in the last tenth of it
  };

  Pool(Loop& loop, const Limits& limits, Counters& counters, Opener& opener);
  // Nobody has a place or waits for one.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  enum class Answer { kGiven, kWaiting, kFull };
  // kGiven: the checkout was told something, inside, and more may follow. kWaiting: it is told
  // later, unless it is cancelled. kFull: max_waiting. fresh: a new connection, please, for kept
  // ones proved to be dead. What route and timeouts refer to outlives the wait. May throw
  // bad_alloc.
  Answer Reserve(const Route& route, const Timeouts& timeouts, bool fresh, Checkout* checkout);
  // How many connections can be opened along a route, with nobody's closed for them, until there
  // are `wanted`.
  uint32_t RoomAlong(const Route& route, uint32_t wanted) const;
  // Lines and connections looked at so far, to see how much work it was.
  uint64_t work() const noexcept {
    return work_ + kept_lines_.work() + new_lines_.work() + more_lines_.work();
  }

 private:
  friend class Checkout;
  friend class PoolMember;
  friend class Reservation;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  using Lines = std::unordered_map<std::string, PoolLine, Hash, std::equal_to<>>;

  // Members.
  void OpenFor(PoolLine* line, Checkout* checkout) noexcept;
  void Opened(PoolMember* member) noexcept;
  void OpenFailed(PoolMember* member, ErrorRef error) noexcept;
  void GiveUp(PoolMember* member) noexcept;
  void GiveBack(PoolMember* member) noexcept;
  void Changed(PoolMember* member) noexcept;
  void Keep(PoolMember* member) noexcept;
  void LeaveIdle(PoolMember* member) noexcept;
  void End(PoolMember* member, const char* why) noexcept;
  void Close(PoolMember* member, const char* why) noexcept;
  void Freed(PoolLine* line) noexcept;
  PoolMember* TakePlace(PoolLine* line) noexcept;
  PoolMember* FindIdle(const PoolLine* line) const noexcept;
  PoolMember* FindVictim(const PoolLine* line) const noexcept;
  bool CanOpen(const PoolLine* line) const noexcept;
  bool MakeRoom(PoolLine* line) noexcept;
  bool IsUsedUp(const PoolMember* member) const noexcept;
  Nanos LastUse() noexcept;
  bool has_room() const noexcept {
    return limits_.total == 0 || counters_.open.get() < limits_.total;
  }
  void CloseExpired() noexcept;

  // Lines.
  void StartWaiting(PoolLine* line, Checkout* checkout) noexcept;
  void StopWaiting(Checkout* checkout) noexcept;
  PoolLine* LineOf(const Route& route);
  void ForgetIfUnused(PoolLine* line) noexcept;
  void Requeue(PoolLine* line) noexcept;
  void ServeSoon() noexcept;
  void ServeAll() noexcept;
  PoolLine* FirstToServe() const noexcept;
  void Serve(PoolLine* line) noexcept;

  Loop& loop_;
  const Limits limits_;
  // open, idle and waiting are kept here, where other threads can read them.
  Counters& counters_;
  Opener& opener_;
  Lines lines_[kProtocols];
  PoolLine* last_line_ = nullptr;  // of them: most requests go where the last one went
  // Lines that somebody waits in, by what lets them be served.
  LineHeap kept_lines_;  // a connection has a place: at once
  LineHeap new_lines_;   // nothing is open: room, or any idle connection to close
  LineHeap more_lines_;  // below their limit: room, or an idle connection that nobody waits for
  uint64_t awaited_idle_ = 0;  // idle connections of routes that somebody waits for
  mutable uint64_t work_ = 0;
  List<PoolMember, struct ByAge> idle_;  // the oldest first
  uint64_t numbers_ = 0;
  std::minstd_rand random_;  // so that connections made at a time do not end at a time
  Timer timer_;              // for the idle one that expires next, or earlier
  Nanos timer_at_ = kNever;
  Nanos next_sweep_ = 0;  // expired ones are closed in sweeps, not more often than this
  bool serving_ = false;
  Timer serve_;  // fires once, at once: lines are served in a clean place, not inside a destructor
};

}  // namespace creche::http
