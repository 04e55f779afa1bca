#include "pg/control_operation.h"

#include <cstring>
#include <new>

#include "pg/connection.h"
#include "pg/server_error.h"

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

}  // namespace

ErrorRef EndedBefore() noexcept {
  return MakeError(Status::kState, Phase::kCommit,
                   "a statement of the body has ended the transaction (COMMIT, ROLLBACK, ...): "
                   "leave that to creche_pool_transaction");
}

ErrorRef CommitLate() noexcept {
  return MakeError(Status::kOutcomeUnknown, Phase::kCommit,
                   "the answer to COMMIT did not come in commit_timeout: it may or may not have "
                   "been committed; the connection was dropped");
}

ErrorRef CommitError(const Reply& reply) noexcept {
  if (!reply.error) {
    // COMMIT in a transaction that has failed is answered by ROLLBACK, which is no error there.
    const RowBlock* block = reply.rows ? reply.rows->block() : nullptr;
    const char* base = reinterpret_cast<const char*>(block);
    if (!block || block->tag_offset == 0 || std::strcmp(base + block->tag_offset, "ROLLBACK") != 0)
      return nullptr;
    return MakeError(Status::kRolledBack, Phase::kCommit,
                     "the transaction was rolled back: a statement in it had failed");
  }
  if (reply.answered || reply.unsent || reply.error->status() == Status::kOutcomeUnknown)
    return reply.error;
  return MakeError(ErrorInfo{.status = Status::kOutcomeUnknown,
                             .phase = Phase::kCommit,
                             .message =
                                 "the connection was lost before COMMIT was answered: it may "
                                 "or may not have been committed",
                             .cause = reply.error});
}

ErrorRef ControlOperation::Prepare() noexcept {
  ConnectionLease* lease = place_.lease();
  Connection* connection = lease->connection();
  if (!connection) return lease->Gone();
  try {
    const auto add = [this](std::string_view sql) { statements_.emplace_back(sql, nullptr, 0); };
    std::vector<bool>& levels = lease->levels;
    if (lease->of_operation()) {
      if (step_ != Step::kBegin && levels.size() < 2) return NotYours();
    } else if (connection->surely_no_transaction()) {
      levels.clear();  // ended by a statement of the user's own
    }
    // A transaction that the user has opened by a statement of his own.
    const bool foreign = levels.empty() && connection->maybe_in_transaction();
    if (step_ == Step::kBegin) {
      level_ = levels.size();
      savepoint_ = level_ > 0 || foreign;
      add(savepoint_ ? SavepointText("SAVEPOINT", level_) : BeginText(options_));
      levels.push_back(savepoint_);
    } else {
      if (levels.empty() && !foreign) return NoTransaction();
      if (!foreign) {
        savepoint_ = levels.back();
        levels.pop_back();
        level_ = levels.size();
      }
      if (!savepoint_) {
        add(step_ == Step::kCommit ? "COMMIT" : "ROLLBACK");
      } else {
        if (step_ == Step::kRollback) add(SavepointText("ROLLBACK TO SAVEPOINT", level_));
        add(SavepointText("RELEASE SAVEPOINT", level_));
      }
      timer_ = std::make_unique<Timer>(loop(), OnTimer, this);
      if (!timer_->Arm(After(loop().now(), options_.commit_timeout))) throw std::bad_alloc();
    }
    set_shielded(step_ == Step::kCommit && !savepoint_);
    for (const Statement& statement : statements_) run_.push_back(&statement);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
  Run(run_.data(), run_.size());
  return nullptr;
}

// The end of a transaction is shielded: it takes its time, which commit_timeout bounds.
void ControlOperation::Cancel() noexcept {
  if (step_ == Step::kBegin) PgOperation::Cancel();
}

void ControlOperation::OnTimer(void* self) noexcept {
  auto* operation = static_cast<ControlOperation*>(self);
  if (!operation->connection()) return;
  const bool commit = operation->step_ == Step::kCommit && !operation->savepoint_;
  operation->connection()->Lose(
      commit ? CommitLate()
             : MakeError(Status::kTimeout, Phase::kRollback,
                         "no answer in commit_timeout: the connection was dropped, which rolls "
                         "the transaction back"));
}

void ControlOperation::Finish(Reply reply) noexcept {
  if (timer_) timer_->Disarm();
  std::vector<bool>& levels = place_.lease()->levels;
  ErrorRef error = step_ == Step::kCommit && !savepoint_ ? CommitError(reply) : reply.error;
  if (!error) return Complete({});
  if (step_ == Step::kBegin && levels.size() > level_)
    levels.resize(level_);
  else if (step_ != Step::kBegin && savepoint_ && levels.size() == level_)
    levels.push_back(true);  // it is still there, to be rolled back
  Fail(std::move(error));
}

}  // namespace creche::pg
