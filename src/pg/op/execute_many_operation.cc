#include "pg/op/execute_many_operation.h"

#include <algorithm>
#include <new>
#include <utility>

#include "pg/connection.h"
#include "pg/op/commit_errors.h"
#include "pg/op/query_operation.h"

namespace creche::pg {

using tasks::Outcome;

namespace {

struct Counts final : tasks::Held {
  explicit Counts(std::vector<int64_t>&& taken) : counts(std::move(taken)) {}
  const std::vector<int64_t> counts;
};

}  // namespace

ExecuteManyOperation::ExecuteManyOperation(tasks::ResidentUse<Pool> pool,
                                           std::vector<Statement>&& rows, bool prepare)
    : pool_(std::move(pool)),
      rows_(std::move(rows)),
      prepare_(prepare),
      slots_(new Slot[std::min(kWindow, std::max<size_t>(rows_.size(), 1))]),
      counts_(rows_.size()) {}

ExecuteManyOperation::~ExecuteManyOperation() = default;

void ExecuteManyOperation::Start() noexcept {
  if (pool_->closing() && closed_in_line())
    return End(Outcome::Failed(Pool::ClosedError(Phase::kLimit)));
  if (rows_.empty()) return Succeed();
  // A value that cannot be sent is known now: then nothing is.
  for (size_t i = 0; i < rows_.size(); i++) {
    if (ErrorRef error = CheckStatement(rows_[i])) {
      FailAt(i, std::move(error));
      return Pump();
    }
  }
  timer_.reset(new (std::nothrow) Timer(loop(), OnTimer, this));
  if (!timer_) return End(Outcome::Failed(NoMemoryError()));
  pool_->Wait(&checkout_, false, 0);
}

void ExecuteManyOperation::OnGranted(Member* member) noexcept {
  try {
    lease_ = ConnectionLease::Make(pool_.ref(), member, true);
  } catch (const std::bad_alloc&) {
    member->connection().Lose(NoMemoryError());
    return End(Outcome::Failed(NoMemoryError()));
  }
  Submit(Stage::kBegin, &begin_);
}

void ExecuteManyOperation::Submit(Stage stage, const Statement* statement) noexcept {
  stage_ = stage;
  Connection* connection = lease_->connection();
  if (!connection) return OnControlEnd({.error = lease_->Gone(), .unsent = true});
  control_.Run(statement);
  control_.set_shielded(stage == Stage::kCommit);
  control_.set_ends(stage == Stage::kCommit);
  control_.set_phase(stage == Stage::kCommit ? Phase::kCommit : Phase::kQuery);
  connection->Submit(&control_);
}

void ExecuteManyOperation::OnControlEnd(Ending ending) noexcept {
  if (stage_ == Stage::kBegin) {
    if (stopping_) return End(Outcome::Cancelled(Phase::kQuery));
    // Nothing was lost with a connection that was dead already.
    if (ending.error && !ending.answered && !pool_->closing() && ReadyForTheNext()) return;
    if (ending.error) return End(Outcome::Failed(std::move(ending.error)));
    stage_ = Stage::kRows;
    return Pump();
  }
  timer_->Disarm();
  if (ErrorRef error = CommitError(ending)) {
    Outcome outcome = Outcome::Failed(std::move(error));
    outcome.value = rows_.size();
    return End(std::move(outcome));
  }
  Succeed();
}

// Gives up a connection that was lost before anything was done, and waits for another one.
bool ExecuteManyOperation::ReadyForTheNext() noexcept {
  constexpr int kMaxLosses = 10;
  const Connection* connection = lease_->connection();
  if ((connection && !connection->lost()) || ++losses_ > kMaxLosses) return false;
  lease_->End();
  lease_ = nullptr;
  stage_ = Stage::kWaiting;
  pool_->Wait(&checkout_, false, 0);
  return true;
}

void ExecuteManyOperation::Pump() noexcept {
  // A row may end inside.
  if (std::exchange(pumping_, true)) return;
  const size_t window = std::min(kWindow, rows_.size());
  while (stage_ == Stage::kRows && !error_ && !stopping_ && next_ < rows_.size() &&
         flying_ < window) {
    Connection* connection = lease_->connection();
    if (!connection) {
      FailAt(next_, lease_->Gone());
      break;
    }
    // They end in their order: the slot of the row a window before is free.
    Slot* slot = &slots_[next_ % window];
    slot->operation = this;
    slot->row = next_++;
    slot->busy = true;
    slot->set_prepare(prepare_);
    slot->Run(&rows_[slot->row]);
    flying_++;
    connection->Submit(slot);
  }
  pumping_ = false;
  if (flying_ > 0 || stage_ == Stage::kEnded) return;
  if (stopping_) return End(Outcome::Cancelled(Phase::kQuery));
  if (error_) {
    Outcome outcome = Outcome::Failed(error_);
    outcome.value = failed_at_;
    return End(std::move(outcome));
  }
  if (next_ < rows_.size() || stage_ != Stage::kRows) return;
  if (!timer_->Arm(After(loop().now(), kCommitTimeout)))
    return End(Outcome::Failed(NoMemoryError()));
  Submit(Stage::kCommit, &commit_);
}

void ExecuteManyOperation::FailAt(size_t row, ErrorRef error) noexcept {
  if (error_ && failed_at_ < row) return;  // what is behind the first one fails because of it
  failed_at_ = row;
  error_ = std::move(error);
}

void ExecuteManyOperation::OnRowEnd(Slot* slot, Ending ending) noexcept {
  slot->busy = false;
  flying_--;
  if (ending.error)
    FailAt(slot->row, std::move(ending.error));
  else
    counts_[slot->row] = ending.affected;
  Pump();
}

void ExecuteManyOperation::Succeed() noexcept {
  Outcome outcome;
  int64_t total = 0;
  for (const int64_t count : counts_) total += std::max<int64_t>(count, 0);
  outcome.code = AffectedCode(total);
  outcome.value = static_cast<uint64_t>(total);
  try {
    auto held = std::make_unique<Counts>(std::move(counts_));
    outcome.data = held->counts.data();
    outcome.size = held->counts.size() * sizeof(int64_t);
    outcome.held = std::move(held);
  } catch (const std::bad_alloc&) {
    outcome.data = nullptr;  // it was committed all the same
    outcome.size = 0;
  }
  End(std::move(outcome));
}

void ExecuteManyOperation::Cancel() noexcept {
  if (stage_ == Stage::kEnded || stage_ == Stage::kCommit) return;  // a COMMIT is shielded
  stopping_ = true;
  if (stage_ == Stage::kWaiting) {
    pool_->Leave(&checkout_);
    return End(Outcome::Cancelled(Phase::kPool));
  }
  Connection* connection = lease_->connection();
  if (!connection) return;  // what is in flight ends just now
  if (stage_ == Stage::kBegin) {
    if (connection->Cancel(&control_)) End(Outcome::Cancelled(Phase::kQuery));
    return;
  }
  // The first one: what is behind it fails in the transaction that has failed by that.
  const size_t window = std::min(kWindow, rows_.size());
  for (size_t row = next_ - flying_; row < next_; row++) {
    Slot* slot = &slots_[row % window];
    if (!slot->busy || !connection->Cancel(slot)) break;
    slot->busy = false;
    flying_--;
  }
  Pump();
}

void ExecuteManyOperation::OnTimer(void* self) noexcept {
  auto* many = static_cast<ExecuteManyOperation*>(self);
  if (many->lease_ && many->lease_->connection()) many->lease_->connection()->Lose(CommitLate());
}

// What is not committed is rolled back by the reset of the connection.
void ExecuteManyOperation::End(Outcome outcome) noexcept {
  stage_ = Stage::kEnded;
  if (timer_) timer_->Disarm();
  if (lease_) lease_->End();
  Complete(std::move(outcome));
}

}  // namespace creche::pg
