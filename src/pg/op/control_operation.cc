#include "pg/op/control_operation.h"

#include <algorithm>
#include <new>

#include "pg/connection.h"
#include "pg/op/commit_errors.h"
#include "pg/protocol/server_error.h"

namespace creche::pg {

namespace {

ErrorRef NoTransaction() noexcept {
  return MakeError(Status::kState, Phase::kOptions,
                   "no transaction is open on this connection: begin one first", kUnsent);
}

ErrorRef NotYours() noexcept {
  return MakeError(
      Status::kState, Phase::kOptions,
      "this transaction belongs to creche_pool_transaction: finish its body to commit, "
      "or with an error to roll back",
      kUnsent);
}

// What a savepoint is like is what its transaction is like, for good.
ErrorRef OfAnotherKind() noexcept {
  return MakeError(
      Status::kState, Phase::kOptions,
      "a savepoint has the isolation level and modes of its transaction, and that was not begun "
      "with those asked for here: ask for them where it begins, and for none in it",
      kUnsent);
}

// The same, as something that went wrong in this phase.
ErrorRef InPhase(ErrorRef error, Phase phase) noexcept {
  if (error->fields().phase == static_cast<uint32_t>(phase)) return error;
  try {
    return MakeError(ErrorInfo{.status = error->status(),
                               .phase = phase,
                               .message = error->message(),
                               .flags = error->fields().flags,
                               .system_errno = error->fields().system_errno,
                               .cause = error});
  } catch (const std::bad_alloc&) {
    return error;
  }
}

}  // namespace

ErrorRef ControlOperation::Account() {
  ConnectionLease* lease = on_.lease();
  const bool none = lease->connection()->surely_no_transaction();
  if (lease->of_operation()) {
    if (step_ != Step::kBegin && lease->levels.size() < 2) return NotYours();
  } else if (none) {
    lease->levels.clear();  // ended by a statement of the user's own
  }
  if (step_ == Step::kBegin) {
    if (!lease->levels.empty()) outer_ = lease->levels.front();
    level_ = MakeRef<Level>(lease->levels.size(), options_);
    lease->levels.push_back(level_);
    if (level_->number == 0) lease->ended_by_hand = false;
    return nullptr;
  }
  timer_ = std::make_unique<Timer>(loop(), OnTimer, this);
  if (!timer_->Arm(After(loop().now(), options_.commit_timeout))) throw std::bad_alloc();
  if (lease->levels.empty()) return none ? NoTransaction() : nullptr;
  level_ = std::move(lease->levels.back());
  lease->levels.pop_back();
  lease->failed.Remove(level_.get());
  if (level_->number > 0) return nullptr;
  by_hand_ = std::exchange(lease->ended_by_hand, false) && step_ == Step::kCommit;
  return nullptr;
}

ErrorRef ControlOperation::Prepare() noexcept {
  Connection* connection = held();
  if (!connection) return on_.lease()->Gone(phase());
  try {
    if (ErrorRef error = Account()) return error;
  } catch (const std::bad_alloc&) {
    connection->Lose(NoMemoryError());  // the books would be wrong
    return NoMemoryError();
  }
  query_.set_prepare(false);
  query_.set_phase(phase());
  if (step_ == Step::kBegin) {
    if (level_->number == 0) {
      query_.set_firm();
      query_.set_opens();
    }
  } else {
    query_.set_firm();
    query_.set_shielded(step_ == Step::kCommit);
  }
  return nullptr;
}

Phase ControlOperation::phase() const noexcept {
  if (step_ == Step::kBegin) return Phase::kQuery;
  return step_ == Step::kCommit ? Phase::kCommit : Phase::kRollback;
}

void ControlOperation::MakeStatements(bool in_transaction) {
  const auto add = [this](std::string_view sql) { statements_.emplace_back(sql, nullptr, 0); };
  statements_.clear();
  to_run_.clear();
  if (hit_ && in_transaction) {
    add("ROLLBACK");  // of what it had begun when it was hit
    in_transaction = false;
  }
  if (step_ == Step::kBegin) {
    if (level_->number == 0) level_->savepoint = in_transaction;
    if (savepoint()) {
      add(SavepointText("SAVEPOINT", level_->number));
    } else {
      add("BEGIN");
      if (const std::string set = SetText(options_); !set.empty()) add(set);
    }
  } else if (!savepoint()) {
    add(step_ == Step::kCommit && !by_hand_ ? "COMMIT" : "ROLLBACK");
  } else {
    if (step_ == Step::kRollback) add(SavepointText("ROLLBACK TO SAVEPOINT", level_->number));
    add(SavepointText("RELEASE SAVEPOINT", level_->number));
  }
  for (const Statement& statement : statements_) to_run_.push_back(&statement);
}

bool ControlOperation::OnTurn(bool in_transaction, ErrorRef* failed) noexcept {
  if (!level_ && !in_transaction) {
    *failed = NoTransaction();
    return false;
  }
  if (step_ == Step::kCommit && query_.returned() && !in_transaction) {
    *failed = RolledBack();  // by a statement of the user's
    return false;
  }
  try {
    MakeStatements(in_transaction);
    const TransactionModes transaction = outer_ ? outer_->modes : TransactionModes{};
    if (step_ == Step::kBegin && savepoint() && !options_.AllIn(transaction)) {
      *failed = OfAnotherKind();
      return false;
    }
  } catch (const std::bad_alloc&) {
    *failed = NoMemoryError();
    return false;
  }
  query_.set_ends(step_ != Step::kBegin && !savepoint());
  query_.Run(to_run_.data(), to_run_.size());
  return true;
}

// The end of a transaction is shielded: it takes its time, which commit_timeout bounds.
void ControlOperation::Cancel() noexcept {
  if (step_ != Step::kBegin || !connection()) return;
  if (Stop(level_)) FailBegin(tasks::Outcome::Cancelled(Phase::kQuery));
}

void ControlOperation::Drop() noexcept {
  if (step_ != Step::kBegin) return Start();
  on_.lease()->UndoFailedBegins(on_.known());
  if (ErrorRef error = Prepare()) {
    on_.Settle();
    return Complete(tasks::Outcome::Cancelled(Phase::kNone));
  }
  held()->BreakBehind(level_);
  on_.Settle();
  FailBegin(tasks::Outcome::Cancelled(Phase::kNone));
}

void ControlOperation::OnTimer(void* self) noexcept {
  auto* operation = static_cast<ControlOperation*>(self);
  if (!operation->connection()) return;
  operation->late_ = true;
  // This is what others hear that are on their way on this connection; what this one hears is said
  // by EndError.
  operation->connection()->Lose(
      MakeError(Status::kDisconnected, Phase::kQuery,
                "the connection was dropped: a commit or rollback behind this was not answered in "
                "commit_timeout"));
}

ErrorRef ControlOperation::EndError(const Ending& ending) const noexcept {
  const bool commit = step_ == Step::kCommit && !savepoint();
  if (!late_ || !ending.error) return commit ? CommitError(ending) : ending.error;
  if (!commit)
    return MakeError(Status::kTimeout, Phase::kRollback,
                     "no answer in commit_timeout: the connection was dropped, which rolls the "
                     "transaction back");
  return ending.unsent ? CommitUnsent() : CommitLate();
}

void ControlOperation::Finish(Ending ending) noexcept {
  if (step_ != Step::kBegin) return FinishEnd(std::move(ending));
  if (!ending.error) return Complete({});
  auto outcome = tasks::Outcome::Failed(ending.error);
  FinishBegin(std::move(outcome), ending);
}

void ControlOperation::FinishCancelled(Phase phase, const Ending& ending) noexcept {
  FinishBegin(tasks::Outcome::Cancelled(phase), ending);
}

// It has failed.
void ControlOperation::FinishBegin(tasks::Outcome outcome, const Ending& ending) noexcept {
  if (Connection* connection = held()) {
    if (ending.unsent) {
      connection->BreakFirst(ending, level_);
    } else if (!ending.answered) {
      // It will be done when its turn comes. What was sent behind it, its end included, would be,
      // too.
      if (!connection->BreakFirst(ending)) connection->Lose(ending.error);
    } else if (ending.error && ending.error->status() == Status::kNoMemory) {
      connection->Lose(ending.error);  // it may be open
    } else if (savepoint()) {
      level_->missing = true;
    } else if (!ending.inside) {
      connection->BreakFirst({.unsent = true}, level_);
    }
  }
  FailBegin(std::move(outcome));
}

void ControlOperation::FailBegin(tasks::Outcome outcome) noexcept {
  ConnectionLease* lease = on_.lease();
  const bool open = std::find_if(lease->levels.begin(), lease->levels.end(), [this](const auto& l) {
                      return l.get() == level_.get();
                    }) != lease->levels.end();
  if (open && held()) {
    try {
      outcome.held = lease->failed.Add(task_id(), level_, heard());
    } catch (const std::bad_alloc&) {
      held()->Lose(NoMemoryError());
    }
  }
  Complete(std::move(outcome));
}

void ControlOperation::FinishEnd(Ending ending) noexcept {
  timer_->Disarm();
  std::vector<Ref<Level>>& levels = on_.lease()->levels;
  ErrorRef error = EndError(ending);
  if (savepoint() && level_->missing && HasState(error, "3B001")) error = nullptr;
  if (by_hand_ && !ending.error) error = EndedBefore();
  if (!error) return Complete({});
  // It may be open still, or ended: the server knows, and the books do not.
  if (ending.error && ending.error->status() == Status::kNoMemory && held())
    held()->Lose(ending.error);
  // It is still there, to be rolled back.
  if (savepoint() && !level_->missing && levels.size() == level_->number) {
    try {
      levels.push_back(level_);
    } catch (const std::bad_alloc&) {
      if (held()) held()->Lose(NoMemoryError());
    }
  }
  Fail(InPhase(std::move(error), phase()));
}

}  // namespace creche::pg
