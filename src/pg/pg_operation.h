// PgOperation: what all operations on PostgreSQL share: one statement at a time on a connection of
// the pool's choice, or on a leased one; what it waits for; cancelling it.
#pragma once
#include <atomic>

#include "pg/connection_lease.h"
#include "pg/pool.h"
#include "pg/request.h"
#include "pg/waiter.h"
#include "tasks/operation.h"

namespace creche::pg {

// Where an operation runs: on the pool, or on a lease of it. Keeps the lease's books.
class Place {
 public:
  explicit Place(tasks::Use<Pool> pool) : pool_(std::move(pool)) {}
  explicit Place(Ref<ConnectionLease> lease, bool begin = false)
      : pool_(Ref<Pool>::Share(&lease->pool())), lease_(std::move(lease)), accepted_(true) {
    known_ = lease_->Accept(begin);
  }
  Place(Place&& o) noexcept
      : pool_(std::move(o.pool_)),
        lease_(std::move(o.lease_)),
        known_(o.known_),
        accepted_(std::exchange(o.accepted_, false)) {}
  ~Place() { Settle(); }
  // What was to be sent is in the connection's queue.
  void Settle() noexcept {
    if (std::exchange(accepted_, false)) lease_->Settle();
  }
  Pool& pool() const noexcept { return *pool_; }
  Loop& loop() const noexcept { return pool_->loop(); }
  ConnectionLease* lease() const noexcept { return lease_.get(); }
  // What was known when it was accepted: FailedBegins.
  uint32_t known() const noexcept { return known_; }

 private:
  tasks::Use<Pool> pool_;
  Ref<ConnectionLease> lease_;  // null: on the pool
  uint32_t known_ = 0;
  bool accepted_ = false;
};

class PgOperation : public tasks::Operation, protected Waiter, protected Request {
 public:
  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override {
    return waits_for_.load(std::memory_order_relaxed);
  }
  bool PassesLimit() const noexcept override { return place_.lease() != nullptr; }
  bool KeepsOrder() const noexcept override { return place_.lease() != nullptr; }
  void Drop() noexcept override;
  const tasks::Resident* Of() const noexcept override { return &place_.pool(); }

 protected:
  PgOperation(Place place, Shape shape) : Request(shape), place_(std::move(place)) {}
  // Why it cannot be run at all, or null; sets what to run. Called by Start.
  virtual ErrorRef Prepare() noexcept = 0;
  // It ended, and was not cancelled. Completes.
  virtual void Finish(Reply reply) noexcept = 0;
  // False if a transaction is as good as before when this cannot be run at all.
  virtual bool Matters() const noexcept { return true; }
  // It was cancelled, and there is no result.
  virtual void FinishCancelled(Phase phase, const Reply& reply) noexcept;
  // True if it may be sent a second time when the server has not executed it.
  virtual bool Repeatable() const noexcept { return true; }
  // It is about to be sent again: forgets what has come.
  virtual void BeginAgain() noexcept {}
  // True, with the statement's hash, if it may share a connection.
  virtual bool Shareable(uint64_t* hash) const noexcept {
    *hash = 0;
    return false;
  }
  void Fail(ErrorRef error) noexcept { Complete(tasks::Outcome::Failed(std::move(error))); }
  // On a held connection a failure that the server does not know of is told to it: the transaction,
  // if there is one, is not to be committed as if nothing had happened.
  void Break(const Reply& reply) noexcept;
  Connection* held() const noexcept {
    return place_.lease() ? place_.lease()->connection() : nullptr;
  }
  // Asked to stop.
  bool stopping() const noexcept { return stopping_; }
  Connection* connection() const noexcept { return connection_; }
  // Asks for it, once it was submitted: Connection::CancelRequest.
  bool Stop(const Ref<Level>& level) noexcept;

  Place place_;

 private:
  void OnConnection(Connection* connection) noexcept override;
  void OnRefused(const ErrorRef& why) noexcept override;
  void OnReply(Reply reply) noexcept override;
  bool RunAgain(const Reply& reply) noexcept;

  // How often one statement is sent at the most.
  static constexpr int kMaxTries = 10;
  Connection* connection_ = nullptr;  // that the request was submitted to
  std::atomic<const char*> waits_for_{""};
  int tries_ = 1;
  bool stopping_ = false;
};

}  // namespace creche::pg
