#include "pg/op/transaction_operation.h"

#include <algorithm>
#include <new>
#include <utility>

#include "pg/connection.h"
#include "pg/op/commit_errors.h"
#include "pg/protocol/server_error.h"
#include "platform/random.h"

namespace creche::pg {

using tasks::Outcome;

namespace {

// How long it waits before a retry, the first one of which is 0.
Nanos RetryDelay(Nanos first, uint32_t retry) noexcept {
  const Nanos most = std::max(first, kSecond);
  Nanos delay = first;
  for (; retry > 0 && delay < most; retry--) delay = std::min(2 * delay, most);
  const Nanos half = delay / 2;
  return delay - static_cast<Nanos>(platform::Random64() % (static_cast<uint64_t>(half) + 1));
}

}  // namespace

TransactionOperation::TransactionOperation(tasks::ResidentUse<Pool> pool,
                                           const TransactionOptions& options, tasks::DoneFn body,
                                           void* user)
    : pool_(std::move(pool)),
      options_(options),
      body_(body),
      body_user_(user),
      begin_(BeginText(options), nullptr, 0),
      commit_("COMMIT", nullptr, 0),
      rollback_("ROLLBACK", nullptr, 0),
      retries_left_(options.retries) {}

TransactionOperation::~TransactionOperation() = default;

void TransactionOperation::Start() noexcept {
  if (pool_->closing() && closed_in_line())
    return Complete(Outcome::Failed(Pool::ClosedError(Phase::kLimit)));
  timer_.reset(new (std::nothrow) Timer(loop(), OnTimer, this));
  if (!timer_) return Complete(Outcome::Failed(NoMemoryError()));
  pool_->Wait(&checkout_, false, 0);
}

void TransactionOperation::OnRefused(const ErrorRef& why) noexcept {
  Complete(Outcome::Failed(why));
}

void TransactionOperation::OnGranted(Member* member) noexcept {
  try {
    if (Setup::Wanted(*pool_))
      setup_ = std::make_unique<Setup>(static_cast<Setup::Owner&>(*this), *this, *pool_);
    lease_ = ConnectionLease::Make(pool_.ref(), member, true);
  } catch (const std::bad_alloc&) {
    member->connection().Lose(NoMemoryError());
    return Complete(Outcome::Failed(NoMemoryError()));
  }
  if (AddObject(Kind::kConnection, lease_, loop()) == 0)
    return End(Outcome::Failed(NoMemoryError()));
  if (!setup_) return Begin();
  stage_ = Stage::kSetup;
  waits_for_.store("setup", std::memory_order_relaxed);
  setup_->Begin(lease_);
}

void TransactionOperation::OnSetUp(Ending ending) noexcept {
  if (!stopping_ && !ending.error) return Begin();
  OnEnd(std::move(ending));
}

void TransactionOperation::Submit(Stage stage, const Statement* statement) noexcept {
  stage_ = stage;
  Connection* connection = lease_->connection();
  if (!connection) return OnEnd({.error = lease_->Gone(), .unsent = true});
  query_.Run(statement);
  query_.set_shielded(stage == Stage::kCommit);
  query_.set_ends(stage != Stage::kBegin);
  query_.set_phase(stage == Stage::kCommit     ? Phase::kCommit
                   : stage == Stage::kRollback ? Phase::kRollback
                                               : Phase::kQuery);
  connection->Submit(&query_);
}

bool TransactionOperation::OnTurn(bool in_transaction, ErrorRef* failed) noexcept {
  if (stage_ != Stage::kCommit || !query_.returned() || in_transaction) return true;
  *failed = RolledBack();  // by a statement of the user's
  return false;
}

void TransactionOperation::Begin() noexcept {
  waits_for_.store("begin", std::memory_order_relaxed);
  try {
    lease_->levels.assign(1, MakeRef<Level>(0, options_));
  } catch (const std::bad_alloc&) {
    return End(Outcome::Failed(NoMemoryError()));
  }
  lease_->ended_by_hand = false;
  Submit(Stage::kBegin, &begin_);
}

void TransactionOperation::StartTheBody() noexcept {
  stage_ = Stage::kBody;
  waits_for_.store("body", std::memory_order_relaxed);
  if (!tasks::StartBody(*this, body_, body_user_, lease_->id(), this)) {
    outcome_ = Outcome::Failed(NoMemoryError());
    Rollback();
  }
}

void TransactionOperation::BodyEnded(Outcome outcome) noexcept {
  outcome_ = std::move(outcome);
  if (outcome_.status == Status::kOk && !stopping_) return Commit();
  // The close of the pool cancels the body, and is what has happened.
  if (outcome_.status == Status::kCancelled && !stopping_ && pool_->closing())
    outcome_ = Outcome::Failed(Pool::ClosedError(Phase::kTask));
  if (outcome_.status == Status::kOk) outcome_ = Outcome::Cancelled(Phase::kTask);
  retry_ = !stopping_ && MayRetry(outcome_.error);
  Rollback();
}

void TransactionOperation::Commit() noexcept {
  waits_for_.store("commit", std::memory_order_relaxed);
  // A COMMIT outside of the transaction would succeed, whatever has become of it.
  if (const Connection* connection = lease_->connection();
      connection && (lease_->ended_by_hand || connection->surely_no_transaction()))
    return End(Outcome::Failed(EndedBefore()));
  lease_->UndoFailedBegins(lease_->failed.Known(loop(), true));
  if (!timer_->Arm(After(loop().now(), options_.commit_timeout))) {
    outcome_ = Outcome::Failed(NoMemoryError());
    return Rollback();
  }
  Submit(Stage::kCommit, &commit_);
}

void TransactionOperation::Rollback() noexcept {
  waits_for_.store("rollback", std::memory_order_relaxed);
  // Without another attempt the connection's own reset rolls back.
  if (!retry_ || !timer_->Arm(After(loop().now(), options_.commit_timeout)))
    return End(std::move(outcome_));
  Submit(Stage::kRollback, &rollback_);
}

void TransactionOperation::OnTimer(void* self) noexcept {
  auto* t = static_cast<TransactionOperation*>(self);
  if (t->stage_ == Stage::kPause) {
    t->EndPause();
    return t->Begin();
  }
  Connection* connection = t->lease_ ? t->lease_->connection() : nullptr;
  if (connection) connection->Lose(CommitLate());
}

void TransactionOperation::Cancel() noexcept {
  stopping_ = true;
  switch (stage_) {
    case Stage::kWaiting:
      pool_->Leave(&checkout_);
      return Complete(Outcome::Cancelled(Phase::kPool));
    case Stage::kSetup:
      if (lease_->connection() && setup_->Stop()) End(Outcome::Cancelled(Phase::kPool));
      return;
    case Stage::kBegin:
      if (lease_->connection() && lease_->connection()->Cancel(&query_))
        End(Outcome::Cancelled(Phase::kQuery));
      return;
    case Stage::kBody:
      return;  // it is being told, too; its end is awaited
    case Stage::kCommit:
      return;  // shielded
    case Stage::kRollback:
      return;  // bounded
    case Stage::kPause:
      EndPause();
      return End(Outcome::Cancelled(Phase::kQuery));
  }
}

bool TransactionOperation::MayRetry(const ErrorRef& error) const noexcept {
  return retries_left_ > 0 && !pool_->closing() &&
         (HasState(error, "40001") || HasState(error, "40P01"));
}

void TransactionOperation::OnEnd(Ending ending) noexcept {
  timer_->Disarm();
  switch (stage_) {
    case Stage::kSetup:
    case Stage::kBegin:
      if (stopping_) return End(Outcome::Cancelled(Phase::kQuery));
      // Nothing was lost with a connection that was dead already.
      if (ending.error && !ending.answered && !pool_->closing() && ReadyForTheNext()) return;
      if (ending.error) return End(Outcome::Failed(ending.error));
      return StartTheBody();
    case Stage::kCommit: {
      lease_->levels.clear();
      const ErrorRef error = CommitError(ending);
      if (!error) return End(std::move(outcome_));
      // A failed COMMIT has rolled back: there is nothing left to undo.
      if (!stopping_ && MayRetry(error) && lease_->connection()) return Again();
      return End(Outcome::Failed(error));
    }
    case Stage::kRollback:
      lease_->levels.clear();
      if (ending.error || stopping_ || !lease_->connection()) return End(std::move(outcome_));
      return Again();
    default:
      return;
  }
}

// Nothing of the last attempt is left.
void TransactionOperation::Again() noexcept {
  retry_ = false;
  const Nanos delay = RetryDelay(options_.retry_delay, options_.retries - retries_left_);
  retries_left_--;
  if (delay == 0) return Begin();
  stage_ = Stage::kPause;
  waits_for_.store("retry", std::memory_order_relaxed);
  lease_->watcher = this;
  if (timer_->Arm(After(loop().now(), delay))) return;
  EndPause();
  End(Outcome::Failed(NoMemoryError()));
}

void TransactionOperation::EndPause() noexcept {
  timer_->Disarm();
  lease_->watcher = nullptr;
}

// By a job, as the pool is in the middle of it.
void TransactionOperation::OnLeaseLost() noexcept {
  if (stage_ != Stage::kPause) return;
  (void)timer_->Arm(loop().now());  // without memory it waits as long as it would have
}

// Gives up a connection that was lost before anything was done, and waits for another one.
bool TransactionOperation::ReadyForTheNext() noexcept {
  const Connection* connection = lease_->connection();
  if ((connection && !connection->lost()) || ++losses_ > kMaxLosses) return false;
  ForgetObject(lease_->id());
  lease_->End();
  lease_ = nullptr;
  stage_ = Stage::kWaiting;
  waits_for_.store("connection", std::memory_order_relaxed);
  pool_->Wait(&checkout_, false, 0);
  return true;
}

void TransactionOperation::End(Outcome outcome) noexcept {
  ForgetObject(lease_->id());
  lease_->End();
  Complete(std::move(outcome));
}

}  // namespace creche::pg
