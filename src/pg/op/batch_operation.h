// creche_pool_batch, creche_connection_batch: several statements in one flight.
#pragma once
#include <vector>

#include "pg/command/batch.h"
#include "pg/op/pg_operation.h"

namespace creche::pg {

// Twin of creche_batch_result.
struct BatchResult {
  enum State : uint32_t { kDone = 0, kFailed = 1, kUndone = 2, kNotRun = 3, kUnknown = 4 };
  uint32_t state;
  uint32_t reserved;
  int64_t affected;
  const RowBlock* rows;
  const ErrorFields* error;
};

struct BatchOptions {
  bool separate = false;
  uint64_t max_bytes = uint64_t{256} << 20;
};

class BatchOperation final : public PgOperation {
 public:
  // May throw bad_alloc.
  BatchOperation(Connectable on, std::vector<Statement>&& statements, const BatchOptions& options);
  void Start() noexcept override;

 private:
  Command& command() noexcept override { return batch_; }
  ErrorRef Prepare() noexcept override;
  bool Repeatable(const Ending& ending) const noexcept override;
  void Finish(Ending ending) noexcept override;
  void FinishCancelled(Phase phase, const Ending& ending) noexcept override;
  bool AskAbout(Connection* connection, Ending* ending) noexcept override;
  void Understood(Ending ending) noexcept override;
  // Has the next result understood that needs it; false: there is none left.
  bool AskNext() noexcept;
  void BeginAgain() noexcept override { batch_.Clear(); }
  // What cannot be sent, or may not stand here; null: all of it can.
  ErrorRef Check(const Statement& statement) const noexcept;
  // How each of them ended, when `at` failed: before it, there, behind it.
  void Judge(size_t at, const ErrorRef& error, BatchResult::State before,
             BatchResult::State behind) noexcept;
  void End(tasks::Outcome outcome) noexcept;

  const std::vector<Statement> statements_;
  std::vector<const Statement*> to_run_;
  const BatchOptions options_;
  RunOf<Batch, &PgOperation::OnEnd> batch_;
  std::vector<BatchResult> results_;
  // While its results are being understood, one after the other.
  Ending ending_;
  Connection* asks_on_ = nullptr;
  size_t asked_ = 0;
  bool asking_ = false;  // it may be understood at once
};

}  // namespace creche::pg
