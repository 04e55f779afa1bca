// creche_connection_begin, _commit, _rollback.
#pragma once
#include "pg/pg_operation.h"
#include "pg/transaction_text.h"

namespace creche::pg {

// How a COMMIT ended, as an error; null if it was committed.
ErrorRef CommitError(const Reply& reply) noexcept;
// The transaction that was to be committed is not open any more.
ErrorRef EndedBefore() noexcept;
// Its answer did not come in commit_timeout.
ErrorRef CommitLate() noexcept;

class ControlOperation final : public PgOperation {
 public:
  enum class Step : uint8_t { kBegin, kCommit, kRollback };
  ControlOperation(Place place, Step step, const TransactionOptions& options)
      : PgOperation(std::move(place), Shape::kRows), step_(step), options_(options) {}
  void Cancel() noexcept override;

 private:
  ErrorRef Prepare() noexcept override;
  void Finish(Reply reply) noexcept override;
  bool Repeatable() const noexcept override { return false; }
  static void OnTimer(void* self) noexcept;

  const Step step_;
  const TransactionOptions options_;
  bool savepoint_ = false;
  size_t level_ = 0;
  std::vector<Statement> statements_;
  std::vector<const Statement*> run_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace creche::pg
