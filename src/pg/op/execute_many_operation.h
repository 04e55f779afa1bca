// creche_pool_execute_many: one statement with many rows of parameters, in one transaction:
// pipelined, a window of them at a time, until one fails. Loop's thread.
#pragma once
#include <memory>
#include <vector>

#include "pg/checkout.h"
#include "pg/command/query.h"
#include "pg/command/run_of.h"
#include "pg/connection_lease.h"
#include "pg/pool.h"
#include "tasks/operation.h"

namespace creche::pg {

class ExecuteManyOperation final : public tasks::Operation {
 public:
  ExecuteManyOperation(tasks::ResidentUse<Pool> pool, std::vector<Statement>&& rows, bool prepare);
  ~ExecuteManyOperation() override;
  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "execute_many"; }
  const tasks::Resident* Of() const noexcept override { return pool_.get(); }

 private:
  enum class Stage : uint8_t { kWaiting, kBegin, kRows, kCommit, kEnded };
  // One row in flight.
  class Slot final : public Query {
   public:
    ExecuteManyOperation* operation = nullptr;
    size_t row = 0;
    bool busy = false;

   private:
    // Of its result only the count is wanted.
    void OnColumns(const Flight&, RowCollector*) noexcept override {}
    size_t MaxRow(const Flight&, const RowCollector&) const noexcept override { return 0; }
    RowTaken OnRow(Flight*, const Message&, RowCollector*) noexcept override {
      return RowTaken::kUnwanted;
    }
    void OnComplete(Flight*, std::string_view, RowCollector*) noexcept override {}
    void OnEnd(Ending ending) noexcept override { operation->OnRowEnd(this, std::move(ending)); }
  };
  void OnGranted(Member* member) noexcept;
  void OnRefused(const ErrorRef& why) noexcept { End(tasks::Outcome::Failed(why)); }
  void OnRowEnd(Slot* slot, Ending ending) noexcept;
  void OnControlEnd(Ending ending) noexcept;
  void Submit(Stage stage, const Statement* statement) noexcept;
  // Sends what fits into the window; commits behind the last one; ends when nothing is in flight.
  void Pump() noexcept;
  bool ReadyForTheNext() noexcept;
  void FailAt(size_t row, ErrorRef error) noexcept;
  void Succeed() noexcept;
  void End(tasks::Outcome outcome) noexcept;
  static void OnTimer(void* self) noexcept;

  static constexpr size_t kWindow = 64;
  static constexpr Nanos kCommitTimeout = 30 * kSecond;
  const tasks::ResidentUse<Pool> pool_;
  const std::vector<Statement> rows_;
  const bool prepare_;
  const Statement begin_{"BEGIN", nullptr, 0};
  const Statement commit_{"COMMIT", nullptr, 0};
  CheckoutOf<&ExecuteManyOperation::OnGranted, &ExecuteManyOperation::OnRefused> checkout_{this};
  RunOf<Query, &ExecuteManyOperation::OnControlEnd> control_{this};
  std::unique_ptr<Slot[]> slots_;
  std::vector<int64_t> counts_;
  Ref<ConnectionLease> lease_;
  std::unique_ptr<Timer> timer_;
  Stage stage_ = Stage::kWaiting;
  size_t next_ = 0;    // row to be sent
  size_t flying_ = 0;  // rows in flight
  size_t failed_at_ = 0;
  ErrorRef error_;  // of that row
  int losses_ = 0;  // of connections, before anything was done
  bool stopping_ = false;
  bool pumping_ = false;
};

}  // namespace creche::pg
