// ConnectionLease: what a creche_connection names: a connection of the pool in the hands of one
// user, until it is released, or its owner has ended. The handle may be released on any thread,
// while statements that were accepted before are still on their way to the loop: those are run
// first.
#pragma once
#include <atomic>
#include <vector>

#include "core/handles.h"
#include "pg/pool.h"
#include "tasks/operation.h"

namespace creche::pg {

class ConnectionLease final : public Object, public tasks::Lease {
 public:
  // Loop's thread. of_operation: it belongs to creche_pool_transaction; releasing the handle only
  // ends the handle. May throw bad_alloc.
  static Ref<ConnectionLease> Make(Ref<Pool> pool, Connection* connection, bool of_operation);

  // ---- Any thread ----
  Pool& pool() const noexcept { return *pool_; }
  Loop& loop() const noexcept { return pool_->loop(); }
  void Released() noexcept override;
  bool of_operation() const noexcept { return of_operation_; }
  // Lease::MoveTo; kState for one that belongs to an operation.
  Status Move(uint64_t to) noexcept { return of_operation_ ? Status::kState : MoveTo(loop(), to); }
  // An operation on it was made; it has been started, or destroyed without.
  void Accept() noexcept { accepted_.fetch_add(1); }
  void Settle() noexcept {
    if (accepted_.fetch_sub(1) == 1 && released_.load()) SubmitJob();
  }

  // ---- Loop's thread ----
  // Null once it was lost or given back.
  Connection* connection() const noexcept { return connection_; }
  // Why there is none.
  ErrorRef Gone() const noexcept;
  void Lost() noexcept { connection_ = nullptr; }
  // Of what it will be lost.
  void set_why(const ErrorRef& why) noexcept { why_ = why; }
  // Gives the connection back. Idempotent.
  void End() noexcept;
  void GiveBack() noexcept override;
  const char* LeaseName() const noexcept override { return "connection"; }

  // The transactions that are open by creche_connection_begin, outermost first: true for
  // savepoints.
  std::vector<bool> levels;

 private:
  ConnectionLease(Ref<Pool> pool, Connection* connection, bool of_operation)
      : job_(this), pool_(std::move(pool)), connection_(connection), of_operation_(of_operation) {}
  void SubmitJob() noexcept;
  static void OnJob(Job* job) noexcept;

  struct LeaseJob : Job {
    explicit LeaseJob(ConnectionLease* owner) : Job(OnJob), lease(owner) {}
    ConnectionLease* const lease;
  } job_;
  const Ref<Pool> pool_;
  Connection* connection_;
  ErrorRef why_;
  const bool of_operation_;
  std::atomic<uint32_t> accepted_{0};
  std::atomic<bool> released_{false};
  std::atomic<bool> submitted_{false};
};

}  // namespace creche::pg
