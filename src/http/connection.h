// Connection: one connection to an origin, for one exchange after another. It belongs to the
// exchange that uses it, or to the pool while it is idle. Loop's thread only.
#pragma once
#include <memory>

#include "core/transport.h"
#include "http/h1/h1_parser.h"
#include "http/lazy_timer.h"

namespace creche::http {

class OriginPool;
struct Origin;

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

class Connection final : private Transport::Listener {
 public:
  // Who uses it just now.
  class User {
   public:
    virtual void OnReadable() noexcept = 0;
    virtual void OnWritable() noexcept = 0;
    // The timer that the user set.
    virtual void OnTimeout() noexcept = 0;

   protected:
    ~User() = default;
  };

  Connection(Loop& loop, std::unique_ptr<Transport> transport, Slot slot);

  Transport& transport() { return *transport_; }
  H1Parser& parser() { return parser_; }
  LazyTimer& timer() { return timer_; }
  Origin* origin() const { return slot_.origin(); }
  bool tls() const { return transport_->tls() != nullptr; }
  void set_user(User* user) { user_ = user; }

 private:
  friend class OriginPool;
  void OnReadable() noexcept override;
  void OnWritable() noexcept override;

  Slot slot_;  // first: given back after the socket is closed
  std::unique_ptr<Transport> transport_;
  H1Parser parser_;
  LazyTimer timer_;
  User* user_ = nullptr;

  // While idle, for the pool.
  OriginPool* idle_in_ = nullptr;
  Nanos idle_until_ = 0;
  Connection* newer_ = nullptr;  // of all idle ones
  Connection* older_ = nullptr;
  Connection* next_ = nullptr;  // of the idle ones of its origin, the one used before it
  Connection* prev_ = nullptr;
};

}  // namespace creche::http
