#include "pg/command/undo_begin.h"

#include <new>

#include "pg/connection.h"
#include "pg/sql/transaction_text.h"

namespace creche::pg {

UndoBegin::UndoBegin(Connection& connection, Ref<Level> level)
    : connection_(connection),
      level_(std::move(level)),
      rollback_("ROLLBACK", nullptr, 0),
      back_(SavepointText("ROLLBACK TO SAVEPOINT", level_->number), nullptr, 0),
      release_(SavepointText("RELEASE SAVEPOINT", level_->number), nullptr, 0) {
  set_prepare(false);
  set_firm();
}

void UndoBegin::Submit(Connection& connection, Ref<Level> level) noexcept {
  try {
    connection.Submit(new UndoBegin(connection, std::move(level)));
  } catch (const std::bad_alloc&) {
    connection.Lose(NoMemoryError());
  }
}

bool UndoBegin::OnTurn(bool in_transaction, ErrorRef*) noexcept {
  if (!in_transaction || level_->missing) return false;
  run_[0] = level_->savepoint ? &back_ : &rollback_;
  run_[1] = &release_;
  set_ends(!level_->savepoint);
  Run(run_, level_->savepoint ? 2 : 1);
  return true;
}

void UndoBegin::OnEnd(Ending ending) noexcept {
  if (ending.error && ending.error->status() == Status::kNoMemory) connection_.Lose(ending.error);
  delete this;
}

}  // namespace creche::pg
