// creche_pool_execute_many, creche_connection_execute_many: one statement with many rows of
// parameters, all or nothing.
#pragma once
#include <optional>
#include <string>
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
  // Its rows are asked for, and come in pieces as EncodeRows makes them.
  ExecuteManyOperation(Connectable on, Ref<const SqlText> text, const ManyOptions& options);
  void Start() noexcept override;
  void Answer(Status status, std::string bytes, bool more, ErrorRef error) noexcept override;
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
    bool Awaits() noexcept override { return operation_.pulls_; }
    void OnWanted() noexcept override { operation_.OnWanted(); }
    void OnRowDone(size_t row, int64_t affected) noexcept override {
      if (affected > 0) operation_.total_ += affected;
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
  bool Repeatable(const Ending&) const noexcept override { return !asked_; }
  void OnWanted() noexcept;
  // Nothing is to stay of it.
  void GiveUp(ErrorRef why) noexcept;
  // May throw bad_alloc.
  ErrorRef TakeRows(std::string_view bytes, bool more);
  // Whatever is the same for all rows.
  const Statement& shape() const noexcept { return shape_ ? *shape_ : rows_[0]; }
  void BeginAgain() noexcept override {
    next_ = 0;
    total_ = 0;
    UseForms();
  }
  void UseForms() noexcept;
  void Fail(ErrorRef error) noexcept override;
  void Succeed() noexcept;

  std::vector<Statement> rows_;           // those that are there
  std::optional<const Statement> shape_;  // if they are asked for
  const ManyOptions options_;
  std::vector<int64_t> counts_;
  Ref<Rows> collected_;
  int64_t total_ = 0;
  std::string part_;    // of a row that has not come to its end
  ErrorRef error_;      // why it was given up
  size_t taken_ = 0;    // rows that have been asked for and come
  bool pulls_ = false;  // there may be more
  bool asked_ = false;
  Running run_;
  size_t next_ = 0;
  size_t failed_at_ = 0;
  bool inside_ = false;  // of a transaction of the user's
};

}  // namespace creche::pg
