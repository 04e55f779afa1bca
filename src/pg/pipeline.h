// Pipeline: the flights of one connection, in the order of the answers; how many there may be, and
// what may be sent behind what. Loop's thread.
//
// A cancel that comes late hits whatever runs by then. On a connection that several share each hit
// is run again; on one that somebody holds the order is his, so there must be nothing behind the
// one that was hit. So outside of transactions there is something behind a statement only if
// nothing that could be cancelled is in front of it; what is known to take long has nothing behind
// it (a round trip is nothing to it, and what waits can be cancelled); and what opens a transaction
// has nothing: if it fails, what follows would happen outside of it.
#pragma once
#include <cstddef>
#include <vector>

#include "pg/flight.h"

namespace creche::pg {

class Pipeline {
 public:
  explicit Pipeline(size_t depth);

  bool empty() const noexcept { return size_ == 0; }
  size_t size() const noexcept { return size_; }
  bool full() const noexcept { return size_ >= depth_; }
  size_t depth() const noexcept { return depth_; }
  // 0: the first one, whose answer is read now.
  Flight& At(size_t index) noexcept { return ring_[(first_ + index) & mask_]; }
  Flight& first() noexcept { return At(0); }
  // Null if nobody waits for it here.
  Flight* Find(const Command* command) noexcept;

  // The place behind the last one; it is in flight from Push on.
  Flight& Next() noexcept;
  void Push() noexcept;
  // The first one has ended. What is counted is released; what is to be kept was moved out. Stays
  // as it is until the next one ends: the ring has a place more than there are flights.
  const FlightFacts& Pop() noexcept;

  // True if it may be sent behind what is in flight. any_order: each is run again unseen if it is
  // hit by the cancel of another.
  bool MayFollow(const Command& command, bool any_order, History& history) noexcept;

  // Its cancel was asked for.
  void MarkCancelled(Flight* flight) noexcept;
  // Flights of which it was.
  size_t cancelled() const noexcept { return cancelled_; }
  // One that may change what prepared statements mean is in flight.
  bool has_changes() const noexcept { return changes_ > 0; }
  // One that begins or ends a transaction, or goes back to a savepoint, is in flight; the first
  // `from` are not looked at.
  bool has_edge(size_t from = 0) noexcept;

 private:
  const size_t depth_;
  const size_t mask_;         // a power of two, less one
  std::vector<Flight> ring_;  // and one more
  size_t first_ = 0;
  size_t size_ = 0;
  size_t cancelled_ = 0;  // flights that are
  size_t firm_ = 0;       // flights that are
  size_t changes_ = 0;    // flights that do
};

}  // namespace creche::pg
