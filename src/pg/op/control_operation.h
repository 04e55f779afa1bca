// creche_connection_begin, _commit, _rollback.
#pragma once
#include "pg/command/query.h"
#include "pg/op/pg_operation.h"
#include "pg/sql/transaction_text.h"

namespace creche::pg {

class ControlOperation final : public PgOperation {
 public:
  enum class Step : uint8_t { kBegin, kCommit, kRollback };
  ControlOperation(Connectable on, Step step, const TransactionOptions& options)
      : PgOperation(std::move(on)), step_(step), options_(options) {}
  void Cancel() noexcept override;
  void Drop() noexcept override;

 private:
  class Statements final : public RunOf<Query, &PgOperation::OnEnd> {
   public:
    explicit Statements(ControlOperation* operation) : RunOf(operation), operation_(*operation) {}

   private:
    bool OnTurn(bool in_transaction, ErrorRef* failed) noexcept override {
      return operation_.OnTurn(in_transaction, failed);
    }
    ControlOperation& operation_;
  };
  Command& command() noexcept override { return query_; }
  ErrorRef Prepare() noexcept override;
  bool OnTurn(bool in_transaction, ErrorRef* failed) noexcept;
  void Finish(Ending ending) noexcept override;
  void FinishCancelled(Phase phase, const Ending& ending) noexcept override;
  // The books of what is open, as this will leave it.
  ErrorRef Account();
  void MakeStatements(bool in_transaction);
  void FinishBegin(tasks::Outcome outcome, const Ending& ending) noexcept;
  void FailBegin(tasks::Outcome outcome) noexcept;
  void FinishEnd(Ending ending) noexcept;
  // How the end of the outermost transaction failed; null if it did not.
  ErrorRef EndError(const Ending& ending) const noexcept;
  Phase phase() const noexcept;
  bool savepoint() const noexcept { return level_ && level_->savepoint; }
  bool Repeatable(const Ending&) const noexcept override { return step_ == Step::kBegin; }
  void BeginAgain() noexcept override { hit_ = true; }
  bool Matters() const noexcept override { return false; }
  static void OnTimer(void* self) noexcept;

  const Step step_;
  const TransactionOptions options_;
  Ref<Level> outer_;      // the outermost, if it begins a savepoint in it
  Ref<Level> level_;      // that it begins or ends; null: one that a statement of the user's began
  bool late_ = false;     // commit_timeout is over
  bool hit_ = false;      // it is a begin that was hit by the cancel of another
  bool by_hand_ = false;  // it was to commit what a statement of the user's may have ended
  std::vector<Statement> statements_;
  std::vector<const Statement*> to_run_;
  Statements query_{this};
  std::unique_ptr<Timer> timer_;
};

}  // namespace creche::pg
