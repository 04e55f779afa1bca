#include "pg/command/abort_transaction.h"

#include <new>

#include "pg/connection.h"
#include "pg/protocol/server_error.h"
#include "pg/sql/transaction_text.h"

namespace creche::pg {

// A syntax error costs the server least, and stands in its log as it is written here.
AbortTransaction::AbortTransaction(Connection& connection, Ref<Level> level)
    : connection_(connection),
      level_(std::move(level)),
      begin_("BEGIN", nullptr, 0),
      savepoint_(SavepointText("SAVEPOINT", level_ ? level_->number : 0), nullptr, 0),
      break_("a statement of this transaction was cancelled before it ran", nullptr, 0) {
  set_prepare(false);
  set_firm();
  set_breaks(!level_);
  if (level_ && !level_->savepoint) set_opens();
}

AbortTransaction* AbortTransaction::Make(Connection& connection, Ref<Level> level) noexcept {
  try {
    return new AbortTransaction(connection, std::move(level));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

bool AbortTransaction::OnTurn(bool in_transaction, ErrorRef*) noexcept {
  if (!level_) {
    run_[0] = &break_;
    Run(run_, 1);
    return in_transaction;  // else there is nothing to be broken
  }
  if (level_->number == 0) level_->savepoint = in_transaction;
  run_[0] = level_->savepoint ? &savepoint_ : &begin_;
  run_[1] = &break_;
  Run(run_, 2);
  return true;
}

void AbortTransaction::OnEnd(Ending ending) noexcept {
  if (ending.error && ending.error->status() == Status::kNoMemory) connection_.Lose(ending.error);
  // Its own BEGIN has failed, too: what follows is still not to happen outside of it.
  if (level_ && !level_->savepoint && ending.answered && !ending.inside && !connection_.lost()) {
    if (tries_++ < kMaxTries) return connection_.Resubmit(this);
    connection_.Lose(ending.error);
  }
  // A savepoint that was made fails behind it, of a syntax error.
  if (level_ && level_->savepoint && HasState(ending.error, "25P02")) level_->missing = true;
  delete this;
}

}  // namespace creche::pg
