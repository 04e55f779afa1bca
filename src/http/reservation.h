// Checkout and Reservation: who wants a place on a connection of a pool, and the place. Loop's
// thread only.
#pragma once
#include <cstdint>
#include <utility>

#include "core/error.h"
#include "core/list.h"
#include "http/route.h"

namespace creche::http {

class Connection;
class Pool;
class PoolMember;
struct PoolLine;
struct Timeouts;

// One place on a connection. Giving it back frees the place; a connection that nobody has a place
// on any more is kept, or closed if it may not be. An exchange on it has ended or was aborted
// before.
class Reservation {
 public:
  Reservation() = default;
  // The member counts it already.
  explicit Reservation(PoolMember* member) noexcept : member_(member) {}
  Reservation(Reservation&& o) noexcept : member_(std::exchange(o.member_, nullptr)) {}
  Reservation& operator=(Reservation&& o) noexcept {
    std::swap(member_, o.member_);
    return *this;
  }
  ~Reservation() { GiveBack(); }
  void GiveBack() noexcept;
  // The same, if nothing was sent there.
  void GiveBackUnused() noexcept;
  explicit operator bool() const noexcept { return member_ != nullptr; }
  Connection& connection() const noexcept;

 private:
  PoolMember* member_ = nullptr;
};

// Somebody who needs a place: derive from it. Destroying it cancels.
class Checkout : private ListNode<Checkout> {
 public:
  // reused: the connection has carried others, or carries them now. Otherwise it is new, and was
  // opened for this.
  virtual void OnReserved(Reservation reservation, bool reused) noexcept = 0;
  // A connection is opened for this now; it waits in line no longer.
  virtual void OnOpening() noexcept = 0;
  // The connection that was opened for this has failed, in that phase.
  virtual void OnOpenFailed(Phase phase, ErrorRef error) noexcept = 0;
  // In line.
  bool waiting() const noexcept { return line_ != nullptr; }

 protected:
  Checkout() = default;
  ~Checkout() { Cancel(); }
  Checkout(const Checkout&) = delete;
  Checkout& operator=(const Checkout&) = delete;
  // Leaves the line, or gives up what is opened for it. Harmless otherwise.
  void Cancel() noexcept;
  bool opening() const noexcept { return opening_ != nullptr; }
  // While opening.
  Phase opening_phase() const noexcept;
  // How long it was in line, all times together.
  Nanos waited() const noexcept { return waited_; }

 private:
  friend class List<Checkout>;
  friend class Pool;
  friend class PoolMember;
  Pool* pool_ = nullptr;
  PoolLine* line_ = nullptr;       // that it waits in
  PoolMember* opening_ = nullptr;  // opened for it
  const Url* url_ = nullptr;       // its route, and how long its steps may take
  TlsConfig* tls_ = nullptr;
  const Way* way_ = nullptr;
  Protocols protocols_ = Protocols::kHttp1;
  const Timeouts* timeouts_ = nullptr;
  Watch* watch_ = nullptr;
  uint64_t number_ = 0;
  Nanos waits_since_ = 0;
  Nanos waited_ = 0;
  bool fresh_ = false;
};

}  // namespace creche::http
