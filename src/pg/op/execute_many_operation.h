// creche_pool_execute_many, creche_connection_execute_many: one statement with many rows of
// parameters, all or nothing.
#pragma once
#include <vector>

#include "pg/command/execute_many.h"
#include "pg/op/pg_operation.h"

namespace creche::pg {

struct ManyOptions {
  bool collect = false;  // the rows that it returns are wanted
  uint64_t max_bytes = uint64_t{256} << 20;
};

class ExecuteManyOperation final : public PgOperation {
 public:
  // May throw bad_alloc.
  ExecuteManyOperation(Connectable on, std::vector<Statement>&& rows, const ManyOptions& options);
  void Start() noexcept override;
  const char* WaitsFor() const noexcept override { return "execute_many"; }

 private:
  class Running final : public ExecuteMany {
   public:
    Running(ExecuteManyOperation* operation, const ManyOptions& options)
        : ExecuteMany(options.collect, options.max_bytes), operation_(*operation) {}

   private:
    bool OnTurn(bool in_transaction, ErrorRef* /*failed*/) noexcept override {
      operation_.inside_ = in_transaction;
      return true;
    }
    const Statement* NextRow() noexcept override { return operation_.NextRow(); }
    void OnRowDone(size_t row, int64_t affected) noexcept override {
      if (row < operation_.counts_.size()) operation_.counts_[row] = affected;
    }
    void OnEnd(Ending ending) noexcept override { operation_.OnRunEnd(std::move(ending)); }
    ExecuteManyOperation& operation_;
  };
  Command& command() noexcept override { return run_; }
  ErrorRef Prepare() noexcept override;
  const Statement* NextRow() noexcept { return next_ < rows_.size() ? &rows_[next_++] : nullptr; }
  void OnRunEnd(Ending ending) noexcept;
  void Finish(Ending ending) noexcept override;
  void FinishCancelled(Phase phase, const Ending& ending) noexcept override;
  bool AskAbout(Connection* connection, Ending* ending) noexcept override;
  void Understood(Ending ending) noexcept override;
  int64_t Total() const noexcept;
  void BeginAgain() noexcept override {
    next_ = 0;
    UseForms();
  }
  void UseForms() noexcept;
  void Fail(ErrorRef error) noexcept override;
  void Succeed() noexcept;

  const std::vector<Statement> rows_;
  const ManyOptions options_;
  std::vector<int64_t> counts_;
  Ref<Rows> collected_;
  Running run_;
  size_t next_ = 0;
  size_t failed_at_ = 0;
  bool inside_ = false;  // of a transaction of the user's
};

}  // namespace creche::pg
