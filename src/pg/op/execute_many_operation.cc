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

ExecuteManyOperation::ExecuteManyOperation(Connectable on, std::vector<Statement>&& rows,
                                           const ManyOptions& options)
    : PgOperation(std::move(on)),
      rows_(std::move(rows)),
      options_(options),
      counts_(rows_.size(), -1),
      run_(this, options) {}

void ExecuteManyOperation::Start() noexcept {
  if (!rows_.empty()) return PgOperation::Start();
  on_.Settle();
  Succeed();
}

ErrorRef ExecuteManyOperation::Prepare() noexcept {
  // A value that cannot be sent is known now: then nothing is.
  for (failed_at_ = 0; failed_at_ < rows_.size(); failed_at_++)
    if (ErrorRef error = CheckAllOrNothing(rows_[failed_at_])) return error;
  failed_at_ = 0;
  if (on_.lease()) NoteByHand(on_.lease(), rows_[0]);
  run_.Run(&rows_[0]);
  UseForms();
  return nullptr;
}

// How the columns of what is collected are asked for.
void ExecuteManyOperation::UseForms() noexcept {
  if (!options_.collect) return;
  try {
    run_.set_forms(on_.pool().shared().forms.Find(rows_[0].hash(), !on_.lease()));
  } catch (const std::bad_alloc&) {
    // As if it were not known: the server says so.
  }
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
  failed_at_ = ending.done;
  OnEnd(std::move(ending));
}

void ExecuteManyOperation::FinishCancelled(Phase phase, const Ending& ending) noexcept {
  // It may have been committed by then.
  if (!ending.answered && !ending.unsent && run_.complete() && !inside_)
    return Fail(CommitError(ending));
  PgOperation::FinishCancelled(phase, ending);
}

int64_t ExecuteManyOperation::Total() const noexcept {
  int64_t total = 0;
  for (const int64_t count : counts_) total += std::max<int64_t>(count, 0);
  return total;
}

bool ExecuteManyOperation::AskAbout(Connection* connection, Ending* ending) noexcept {
  if (ending->error || !options_.collect) return false;
  try {
    ending->rows = run_.rows().Take({}, Total());
  } catch (const std::bad_alloc&) {
    return false;  // Succeed says so
  }
  if (Introspection::Wanted(*ending, connection)) {
    Introspect(connection, std::move(*ending), rows_[0]);
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
  if (!ending.error) return Succeed();
  Break(ending);
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
  const int64_t total = Total();
  outcome.code = AffectedCode(total);
  outcome.value = static_cast<uint64_t>(total);
  try {
    if (options_.collect) {
      Ref<Rows> rows = collected_ ? std::move(collected_) : run_.rows().Take({}, total);
      SettleTypes(rows->block());
      outcome.data = rows->block();
      outcome.size = rows->block()->total_size;
      outcome.value = AddObject(Kind::kRows, std::move(rows), loop());
      outcome.owned = outcome.value != 0;
      if (!outcome.owned) outcome.data = nullptr;
    } else {
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
