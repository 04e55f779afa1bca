// Connectable: where an operation runs: on the pool, or on a lease of it. Keeps the lease's books.
#pragma once
#include <utility>

#include "pg/connection_lease.h"
#include "pg/pool.h"

namespace creche::pg {

class Connectable {
 public:
  explicit Connectable(tasks::ResidentUse<Pool> pool) : pool_(std::move(pool)) {}
  explicit Connectable(Ref<ConnectionLease> lease, bool begin = false)
      : pool_(Ref<Pool>::Share(&lease->pool())), lease_(std::move(lease)), accepted_(true) {
    known_ = lease_->Accept(begin);
  }
  Connectable(Connectable&& o) noexcept
      : pool_(std::move(o.pool_)),
        lease_(std::move(o.lease_)),
        known_(o.known_),
        accepted_(std::exchange(o.accepted_, false)) {}
  ~Connectable() { Settle(); }
  // What was to be sent is in the connection's queue.
  void Settle() noexcept {
    if (std::exchange(accepted_, false)) lease_->Settle();
  }
  Pool& pool() const noexcept { return *pool_; }
  Loop& loop() const noexcept { return pool_->loop(); }
  ConnectionLease* lease() const noexcept { return lease_.get(); }
  // The leased connection; null: it was lost, or there is no lease.
  Connection* held() const noexcept { return lease_ ? lease_->connection() : nullptr; }
  // What was known when it was accepted: FailedBegins.
  uint32_t known() const noexcept { return known_; }

 private:
  tasks::ResidentUse<Pool> pool_;
  Ref<ConnectionLease> lease_;  // null: on the pool
  uint32_t known_ = 0;
  bool accepted_ = false;
};

}  // namespace creche::pg
