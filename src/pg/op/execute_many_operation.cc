#include "pg/op/execute_many_operation.h"

#include <algorithm>
#include <new>
#include <utility>

#include "pg/connection.h"
#include "pg/op/commit_errors.h"
#include "pg/op/not_produced.h"
#include "pg/op/query_operation.h"
#include "pg/sql/row_pieces.h"

namespace creche::pg {

using tasks::Outcome;

namespace {

struct Counts final : tasks::Held {
  explicit Counts(std::vector<int64_t>&& taken) : counts(std::move(taken)) {}
  const std::vector<int64_t> counts;
};

}  // namespace

ExecuteManyOperation::ExecuteManyOperation(Connectable on, std::vector<Statement>&& rows,
                                           const ManyOptions& options)
    : PgOperation(std::move(on)),
      rows_(std::move(rows)),
      options_(options),
      counts_(rows_.size(), -1),
      run_(this, options) {}

ExecuteManyOperation::ExecuteManyOperation(Connectable on, Ref<const SqlText> text,
                                           const ManyOptions& options)
    : PgOperation(std::move(on)),
      shape_(std::in_place, std::move(text), nullptr, 0),
      options_(options),
      run_(this, options) {
  pulls_ = true;
}

void ExecuteManyOperation::Start() noexcept {
  if (shape_ || !rows_.empty()) return PgOperation::Start();
  on_.Settle();
  Succeed();
}

ErrorRef ExecuteManyOperation::Prepare() noexcept {
  // A value that cannot be sent is known now: then nothing is.
  for (failed_at_ = 0; failed_at_ < rows_.size(); failed_at_++)
    if (ErrorRef error = CheckAllOrNothing(rows_[failed_at_])) return error;
  failed_at_ = 0;
  if (shape_)
    if (ErrorRef error = CheckAllOrNothing(*shape_)) return error;
  if (on_.lease()) NoteByHand(on_.lease(), shape());
  run_.Run(&shape());
  UseForms();
  return nullptr;
}

// How the columns of what is collected are asked for.
void ExecuteManyOperation::UseForms() noexcept {
  if (!options_.collect) return;
  try {
    run_.set_forms(on_.pool().shared().forms.Find(shape().hash(), !on_.lease()));
  } catch (const std::bad_alloc&) {
    // As if it were not known: the server says so.
  }
}

void ExecuteManyOperation::OnWanted() noexcept {
  constexpr uint64_t kPiece = 64 * 1024;
  asked_ = true;
  if (!Ask(tasks::What::kPull, kPiece)) GiveUp(NoMemoryError());
}

void ExecuteManyOperation::GiveUp(ErrorRef why) noexcept {
  error_ = std::move(why);
  // Without memory for that, by a request to cancel it.
  if (!run_.Abandon()) (void)connection()->Cancel(&run_);
}

// It may come when nobody needs it any more: the server has refused, or it was cancelled.
void ExecuteManyOperation::Answer(Status status, std::string bytes, bool more,
                                  ErrorRef error) noexcept {
  if (!run_.waits()) return;
  if (status != Status::kOk)
    return GiveUp(NotProduced("the rows of a statement", std::move(error)));
  try {
    if (ErrorRef bad = TakeRows(bytes, more)) return GiveUp(std::move(bad));
  } catch (const std::bad_alloc&) {
    return GiveUp(NoMemoryError());
  }
  run_.Resume();
}

ErrorRef ExecuteManyOperation::TakeRows(std::string_view bytes, bool more) {
  rows_.clear();
  next_ = 0;
  pulls_ = more;
  part_.append(bytes);
  std::string_view rest = part_;
  std::vector<Value> values;
  for (;;) {
    const RowTake taken = TakeRow(&rest, &values);
    if (taken == RowTake::kMalformed)
      return MakeError(Status::kInvalid, Phase::kOptions,
                       "the answer is none that creche_values_to_rows has made");
    if (taken == RowTake::kPart) break;
    rows_.emplace_back(shape_->sql_ref(), values.data(), values.size());
    if (ErrorRef error = CheckAllOrNothing(rows_.back())) {
      taken_ += rows_.size() - 1;
      return error;
    }
  }
  if (!more && !rest.empty())
    return MakeError(Status::kInvalid, Phase::kOptions, "the last row has no end");
  taken_ += rows_.size();
  part_.erase(0, part_.size() - rest.size());
  return nullptr;
}

void ExecuteManyOperation::OnRunEnd(Ending ending) noexcept {
  run_.Close();
  if (!ending.error && !run_.complete() && connection()) {
    ending.error = MakeError(Status::kProtocol, Phase::kQuery,
                             "the server has ended a statement before all of its rows were sent: "
                             "the connection was dropped");
    ending.answered = false;
    connection()->Lose(ending.error);
  }
  // What it was stopped by is no answer.
  if (run_.broken() && stopping()) ending.answered = false;
  failed_at_ = error_ ? taken_ : ending.done;
  OnEnd(std::move(ending));
}

void ExecuteManyOperation::FinishCancelled(Phase phase, const Ending& ending) noexcept {
  // It may have been committed by then.
  if (!ending.answered && !ending.unsent && run_.complete() && !inside_)
    return Fail(CommitError(ending));
  PgOperation::FinishCancelled(phase, ending);
}

bool ExecuteManyOperation::AskAbout(Connection* connection, Ending* ending) noexcept {
  if (ending->error || !options_.collect) return false;
  try {
    ending->rows = run_.rows().Take({}, total_);
  } catch (const std::bad_alloc&) {
    return false;  // Succeed says so
  }
  if (Introspection::Wanted(*ending, connection)) {
    Introspect(connection, std::move(*ending), shape());
    return true;
  }
  collected_ = ending->rows;
  return false;
}

void ExecuteManyOperation::Understood(Ending ending) noexcept {
  collected_ = ending.rows;
  Finish(std::move(ending));
}

void ExecuteManyOperation::Finish(Ending ending) noexcept {
  if (!ending.error && !error_) return Succeed();
  Break(ending);
  if (error_) return Fail(error_);
  // In a transaction of the user's nothing is committed yet.
  const bool commits = run_.complete() && !ending.answered && !ending.unsent && !inside_;
  Fail(commits ? CommitError(ending) : std::move(ending.error));
}

void ExecuteManyOperation::Fail(ErrorRef error) noexcept {
  Outcome outcome = Outcome::Failed(std::move(error));
  outcome.value = failed_at_;
  Complete(std::move(outcome));
}

void ExecuteManyOperation::Succeed() noexcept {
  Outcome outcome;
  outcome.code = AffectedCode(total_);
  outcome.value = static_cast<uint64_t>(total_);
  try {
    if (options_.collect) {
      Ref<Rows> rows = collected_ ? std::move(collected_) : run_.rows().Take({}, total_);
      SettleTypes(rows->block());
      outcome.data = rows->block();
      outcome.size = rows->block()->total_size;
      outcome.value = AddObject(Kind::kRows, std::move(rows), loop());
      outcome.owned = outcome.value != 0;
      if (!outcome.owned) outcome.data = nullptr;
    } else if (!shape_) {
      auto held = std::make_unique<Counts>(std::move(counts_));
      outcome.data = held->counts.data();
      outcome.size = held->counts.size() * sizeof(int64_t);
      outcome.held = std::move(held);
    }
  } catch (const std::bad_alloc&) {
    outcome.data = nullptr;  // it is done all the same
    outcome.size = 0;
  }
  Complete(std::move(outcome));
}

}  // namespace creche::pg
