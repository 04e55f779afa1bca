// Connection: what carries exchanges to one origin, in whatever protocol. Loop's thread only.
#pragma once

#include <utility>

#include "http/exchange.h"

namespace creche::http {

class OriginPool;
class ResponseHead;
struct Origin;
struct Request;

// One of the sockets that a pool may have open, connecting ones too. Gives it back when it goes.
class Slot {
 public:
  Slot() = default;
  Slot(OriginPool* pool, Origin* origin) : pool_(pool), origin_(origin) {}
  Slot(Slot&& o) noexcept
      : pool_(std::exchange(o.pool_, nullptr)), origin_(std::exchange(o.origin_, nullptr)) {}
  Slot& operator=(Slot&& o) noexcept {
    std::swap(pool_, o.pool_);
    std::swap(origin_, o.origin_);
    return *this;
  }
  ~Slot();
  Origin* origin() const { return origin_; }

 private:
  OriginPool* pool_ = nullptr;
  Origin* origin_ = nullptr;
};

class Connection {
 public:
  virtual ~Connection() = default;

  // Begins an exchange, if there is capacity for one more; to be started by Exchange::Start. It
  // belongs to the connection, and all that is given here must outlive it. May throw bad_alloc.
  virtual Exchange* Open(Request* request, ResponseHead* head, Attempt* attempt,
                         Exchange::Listener* listener) = 0;
  // For how long it may be kept, now that nothing is open on it; 0: it may not.
  virtual Nanos keep_for() const noexcept = 0;
  // Of one that nobody uses: true if it was not closed and nothing came that nobody asked for. To
  // be asked before each use.
  virtual bool IdleIsSound() noexcept = 0;

  Origin* origin() const { return slot_.origin(); }

 protected:
  explicit Connection(Slot slot) : slot_(std::move(slot)) {}
  // Something came while nobody used it. May destroy it.
  void CheckIdle() noexcept;

 private:
  friend class OriginPool;
  Slot slot_;  // given back after the socket is closed

  // While idle, for the pool.
  OriginPool* idle_in_ = nullptr;
  Nanos idle_until_ = 0;
  Connection* newer_ = nullptr;  // of all idle ones
  Connection* older_ = nullptr;
  Connection* next_ = nullptr;  // of the idle ones of its origin, the one used before it
  Connection* prev_ = nullptr;
};

}  // namespace creche::http
