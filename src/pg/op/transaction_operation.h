// creche_pool_transaction: a connection, BEGIN, the user's body as a task of its own, and then
// COMMIT under a shield or ROLLBACK; again from BEGIN on when the server asks for it.
#pragma once
#include <memory>

#include "pg/checkout.h"
#include "pg/command/query.h"
#include "pg/command/run_of.h"
#include "pg/connection_lease.h"
#include "pg/op/setup.h"
#include "pg/pool.h"
#include "pg/sql/transaction_text.h"
#include "tasks/operation.h"

namespace creche::pg {

class TransactionOperation final : public tasks::Operation,
                                   private tasks::BodyListener,
                                   private ConnectionLease::Watcher,
                                   private Setup::Owner {
 public:
  // May throw bad_alloc.
  TransactionOperation(tasks::ResidentUse<Pool> pool, const TransactionOptions& options,
                       tasks::DoneFn body, void* user);
  ~TransactionOperation() override;
  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override {
    return waits_for_.load(std::memory_order_relaxed);
  }
  const tasks::Resident* Of() const noexcept override { return pool_.get(); }

 private:
  enum class Stage : uint8_t { kWaiting, kSetup, kBegin, kBody, kCommit, kRollback, kPause };
  void OnGranted(Member* member) noexcept;
  void OnRefused(const ErrorRef& why) noexcept;
  void OnEnd(Ending ending) noexcept;
  bool OnTurn(bool in_transaction, ErrorRef* failed) noexcept;
  class Statements final : public RunOf<Query, &TransactionOperation::OnEnd> {
   public:
    explicit Statements(TransactionOperation* operation)
        : RunOf(operation), operation_(*operation) {}

   private:
    bool OnTurn(bool in_transaction, ErrorRef* failed) noexcept override {
      return operation_.OnTurn(in_transaction, failed);
    }
    TransactionOperation& operation_;
  };
  void OnSetUp(Ending ending) noexcept override;
  // While it waits for the next attempt: there is nothing to wait for any more.
  void OnLeaseLost() noexcept override;
  void OnNotification(uint32_t, std::string_view, std::string_view) noexcept override {}
  void BodyEnded(tasks::Outcome outcome) noexcept override;
  static void OnTimer(void* self) noexcept;

  void Begin() noexcept;
  void StartTheBody() noexcept;
  void Commit() noexcept;
  void Rollback() noexcept;
  void Submit(Stage stage, const Statement* statement) noexcept;
  void Again() noexcept;
  // The wait for that is over.
  void EndPause() noexcept;
  bool MayRetry(const ErrorRef& error) const noexcept;
  void End(tasks::Outcome outcome) noexcept;
  bool ReadyForTheNext() noexcept;

  const tasks::ResidentUse<Pool> pool_;
  const TransactionOptions options_;
  const tasks::DoneFn body_;
  void* const body_user_;
  const Statement begin_;
  const Statement commit_;
  const Statement rollback_;
  CheckoutOf<&TransactionOperation::OnGranted, &TransactionOperation::OnRefused> checkout_{this};
  Statements query_{this};
  Ref<ConnectionLease> lease_;
  std::unique_ptr<Setup> setup_;
  std::unique_ptr<Timer> timer_;
  std::atomic<const char*> waits_for_{"connection"};
  tasks::Outcome outcome_;  // the body's
  // Connections that may turn out to be dead when BEGIN is sent.
  static constexpr uint32_t kMaxLosses = 3;
  uint32_t losses_ = 0;
  uint32_t retries_left_;
  Stage stage_ = Stage::kWaiting;
  bool stopping_ = false;
  bool retry_ = false;  // after the rollback
};

}  // namespace creche::pg
