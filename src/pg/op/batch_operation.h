// creche_pool_batch, creche_connection_batch: several statements in one flight.
#pragma once
#include <memory>
#include <vector>

#include "pg/command/batch.h"
#include "pg/command/preview.h"
#include "pg/op/pg_operation.h"
#include "pg/op/text_names_question.h"

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

class BatchOperation final : public PgOperation, private TextNamesQuestion::Owner {
 public:
  // May throw bad_alloc.
  BatchOperation(Connectable on, std::vector<Statement>&& statements, const BatchOptions& options);
  void Start() noexcept override;

 private:
  Command& command() noexcept override {
    if (question_) return *question_;
    if (preview_) return *preview_;
    return batch_;
  }
  void OnTextNames(Ending ending) noexcept override;
  void OnPreview(Ending ending) noexcept;
  void AfterPreview() noexcept;
  // Has the next one described that may have columns without a binary form.
  void LookAhead(Connection& connection) noexcept;
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
  // What is seen to before it: where one that fails for its columns' forms cannot be run again.
  std::unique_ptr<TextNamesQuestion> question_, answered_;
  std::unique_ptr<Preview> preview_, seen_;
  size_t looked_at_ = 0;
  Connection* looks_on_ = nullptr;  // while what was seen is being understood
  // While its results are being understood, one after the other.
  Ending ending_;
  Connection* asks_on_ = nullptr;
  size_t asked_ = 0;
  bool asking_ = false;  // it may be understood at once
};

}  // namespace creche::pg
