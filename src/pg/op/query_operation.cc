#include "pg/op/query_operation.h"

#include <algorithm>
#include <new>
#include <utility>

#include "pg/connection.h"

namespace creche::pg {

uint32_t AffectedCode(int64_t affected) noexcept {
  return static_cast<uint32_t>(std::clamp<int64_t>(affected, 0, UINT32_MAX));
}

ErrorRef CopyError() noexcept {
  return MakeError(
      Status::kUnsupported, Phase::kQuery,
      "COPY from or to the client is no query: call creche_pool_copy_in or creche_pool_copy_out",
      kUnsent);
}

ErrorRef CheckStatement(const Statement& statement) noexcept {
  if (statement.error()) return statement.error();
  return statement.sql().copies() ? CopyError() : nullptr;
}

ErrorRef CheckAllOrNothing(const Statement& statement) noexcept {
  if (ErrorRef error = CheckStatement(statement)) return error;
  const char* why = nullptr;
  if (statement.verb() == Verb::kTransaction)
    why =
        "what is all or nothing holds no BEGIN, COMMIT or the like: begin and end transactions "
        "around it, or use a batch with CRECHE_BATCH_SEPARATE";
  if (statement.verb() == Verb::kProcedure)
    why =
        "CALL and DO may commit in the middle of what is all or nothing: run each by itself, or in "
        "a batch with CRECHE_BATCH_SEPARATE";
  return why ? MakeError(Status::kInvalid, Phase::kOptions, why, kUnsent) : nullptr;
}

void NoteByHand(ConnectionLease* lease, const Statement& statement) noexcept {
  if (statement.sql().ends_transaction()) lease->ended_by_hand = true;
}

ErrorRef QueryOperation::Prepare() noexcept {
  if (ErrorRef error = CheckStatement(statement_)) return error;
  if (on_.lease()) NoteByHand(on_.lease(), statement_);
  query_.Run(&statement_);
  query_.set_max_bytes(options_.max_bytes);
  query_.set_prepare(options_.prepare);
  query_.set_max_rows(options_.max_rows);
  // In a transaction of the user's, which a column without a binary form would break.
  Connection* const on = held();
  if (!on || !on->session().maybe_in_transaction) return nullptr;
  try {
    if (TextNamesQuestion::Wanted(statement_, *on, loop().turn_time())) {
      ahead_ = std::make_unique<Ahead>();
      ahead_->question = std::make_unique<TextNamesQuestion>(
          static_cast<TextNamesQuestion::Owner&>(*this), *on, loop());
    } else if (TextNamesQuestion::Suspects(statement_, *on)) {
      BeginPreview();
    }
  } catch (const std::bad_alloc&) {
    // The server says so.
  }
  return nullptr;
}

void QueryOperation::BeginPreview() {
  if (!ahead_) ahead_ = std::make_unique<Ahead>();
  ahead_->preview = std::make_unique<RunOf<Preview, &QueryOperation::OnPreview>>(this);
  ahead_->preview->Run(&statement_);
}

void QueryOperation::OnTextNames(Ending ending) noexcept {
  Connection* const on = connection();
  ahead_->asked = std::move(ahead_->question);
  if (stopping() && !ending.error) ending.answered = false;
  if (ending.error || stopping()) return OnEnd(std::move(ending));
  try {
    if (TextNamesQuestion::Suspects(statement_, *on)) BeginPreview();
  } catch (const std::bad_alloc&) {
    // As above.
  }
  Follow(on);
}

void QueryOperation::OnPreview(Ending ending) noexcept {
  Connection* const on = connection();
  // What was only described has not run, and will not.
  if (stopping() && !ending.error) ending.answered = false;
  if (ending.error || stopping()) return OnEnd(std::move(ending));
  ahead_->seen = std::move(ahead_->preview);
  ahead_->on = on;
  try {
    ending.rows = ahead_->seen->Empty();
  } catch (const std::bad_alloc&) {
    // As if it had none.
  }
  if (Introspection::Wanted(ending, on)) return Introspect(on, std::move(ending), statement_, true);
  AfterPreview();
}

void QueryOperation::Understood(Ending ending) noexcept {
  if (!ahead_ || !ahead_->on || ending.error) return Finish(std::move(ending));
  if (stopping()) return FinishCancelled(Phase::kQuery, {});
  AfterPreview();
}

void QueryOperation::AfterPreview() noexcept {
  Connection* const on = std::exchange(ahead_->on, nullptr);
  ResultForms& forms = on_.pool().shared().forms;
  if (const RowDescription* columns = ahead_->seen->columns())
    forms.Foresee(statement_.hash(), *columns, *on->session().catalog);
  forms.SetDescribed(statement_.hash());
  Follow(on);
}

void QueryOperation::Finish(Ending ending) noexcept {
  if (ending.error) {
    Break(ending);
    return Fail(std::move(ending.error));
  }
  tasks::Outcome outcome;
  outcome.code = AffectedCode(ending.affected);
  if (ending.rows) {
    const RowBlock* block = ending.rows->block();
    outcome.data = block;
    outcome.size = block->total_size;
    outcome.owned = true;
    outcome.value = AddObject(Kind::kRows, std::move(ending.rows), loop());
    if (outcome.value == 0) {
      Break({});
      return Fail(NoMemoryError());
    }
  }
  Complete(std::move(outcome));
}

}  // namespace creche::pg
