// creche_connection_begin, _commit, _rollback.
#pragma once
#include "pg/pg_operation.h"
#include "pg/transaction_text.h"

namespace creche::pg {

// How a COMMIT ended, as an error; null if it was committed.
ErrorRef CommitError(const Reply& reply) noexcept;
// It was to be committed, and was rolled back.
ErrorRef RolledBack() noexcept;
// The transaction that was to be committed is not open any more.
ErrorRef EndedBefore() noexcept;
// Its answer did not come in commit_timeout.
ErrorRef CommitLate() noexcept;

// The same, as something that went wrong in this phase.
ErrorRef InPhase(ErrorRef error, Phase phase) noexcept;

class ControlOperation final : public PgOperation {
 public:
  enum class Step : uint8_t { kBegin, kCommit, kRollback };
  ControlOperation(Place place, Step step, const TransactionOptions& options)
      : PgOperation(std::move(place), Shape::kRows), step_(step), options_(options) {}
  void Cancel() noexcept override;
  void Drop() noexcept override;

 private:
  ErrorRef Prepare() noexcept override;
  bool OnSend(bool in_transaction, ErrorRef* failed) noexcept override;
  void Finish(Reply reply) noexcept override;
  void FinishCancelled(Phase phase, const Reply& reply) noexcept override;
  // The books of what is open, as this will leave it.
  ErrorRef Account();
  void MakeStatements(bool in_transaction);
  void FinishBegin(tasks::Outcome outcome, const Reply& reply) noexcept;
  void FailBegin(tasks::Outcome outcome) noexcept;
  void FinishEnd(Reply reply) noexcept;
  Phase phase() const noexcept;
  bool savepoint() const noexcept { return level_ && level_->savepoint; }
  bool Repeatable() const noexcept override { return step_ == Step::kBegin; }
  void BeginAgain() noexcept override { hit_ = true; }
  bool Matters() const noexcept override { return false; }
  static void OnTimer(void* self) noexcept;

  const Step step_;
  const TransactionOptions options_;
  Ref<Level> level_;      // that it begins or ends; null: one that a statement of the user's began
  bool hit_ = false;      // it is a begin that was hit by the cancel of another
  bool by_hand_ = false;  // it was to commit what a statement of the user's may have ended
  std::vector<Statement> statements_;
  std::vector<const Statement*> run_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace creche::pg
