// What a pool has: its connections, and for each route a line of those who wait for one.
#pragma once
#include <memory>
#include <string_view>

#include "core/list.h"
#include "http/line_heap.h"
#include "http/opener.h"
#include "http/reservation.h"

namespace creche::http {

// One of the connections that a pool may have, being opened or open.
class PoolMember final : public ListNode<PoolMember, struct OfLine>,
                         public ListNode<PoolMember, struct ByAge>,
                         private Connection::Owner,
                         private Opener::Listener {
 public:
  PoolMember(Pool& pool, PoolLine* line) noexcept;
  // Closes it, or gives it up.
  ~PoolMember();

  bool idle() const noexcept { return used_ == 0 && connection_; }
  bool has_room() const noexcept;

 private:
  friend class Checkout;
  friend class Pool;
  friend class Reservation;
  void OnOpened(std::unique_ptr<Connection> connection) noexcept override;
  void OnOpenFailed(ErrorRef error) noexcept override;
  void OnChanged() noexcept override;

  Pool& pool_;
  PoolLine* const line_;
  Checkout* checkout_ = nullptr;  // that it is opened for
  std::unique_ptr<Opener::Opening> opening_;
  std::unique_ptr<Connection> connection_;
  size_t used_ = 0;          // places given away
  uint32_t carried_ = 0;     // requests so far
  Nanos last_use_ = kNever;  // it is given to nobody later than that
  Nanos idle_until_ = 0;     // while it is idle
};

// What a pool knows of a route. As a Line it is in one of the pool's heaps while somebody waits in
// it who can, or soon may, be served.
struct PoolLine : Line {
  std::string_view key;
  Protocols protocols = Protocols::kHttp1;
  uint32_t open = 0;     // members
  uint32_t opening = 0;  // of them
  bool single = false;  // the last that was opened carries one exchange at a time, or it has failed
  uint32_t idle = 0;    // of them
  List<PoolMember, struct OfLine> available;  // those with a place left, last used first
  List<Checkout> waiting;
  // A connection on its way will carry many exchanges, as far as is known: those who come wait for
  // it rather than open others.
  bool shares() const { return protocols != Protocols::kHttp1 && !single; }
  bool holds() const { return opening > 0 && shares(); }
  bool pinned = false;  // in use though nothing is open and nobody waits
};

}  // namespace creche::http
