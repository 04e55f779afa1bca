#include "pg/op/batch_operation.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "pg/connection.h"
#include "pg/op/query_operation.h"
#include "pg/protocol/server_error.h"

namespace creche::pg {

using tasks::Outcome;

namespace {

// What the results point into: lives as long as they do.
struct Parts final : BlockListener {
  explicit Parts(std::vector<Batch::Item>&& taken) : items(std::move(taken)) {}
  void BlockReleased() noexcept override {}
  const std::vector<Batch::Item> items;
};

}  // namespace

BatchOperation::BatchOperation(Connectable on, std::vector<Statement>&& statements,
                               const BatchOptions& options)
    : PgOperation(std::move(on)),
      statements_(std::move(statements)),
      options_(options),
      batch_(this, statements_.size(), options.separate, options.max_bytes),
      results_(statements_.size()) {
  to_run_.reserve(statements_.size());
  for (const Statement& statement : statements_) to_run_.push_back(&statement);
}

ErrorRef BatchOperation::Check(const Statement& statement) const noexcept {
  return options_.separate ? CheckStatement(statement) : CheckAllOrNothing(statement);
}

void BatchOperation::Start() noexcept {
  if (!statements_.empty()) return PgOperation::Start();
  on_.Settle();
  End({});
}

// Not what is done in part; but what was rolled back, because a column has no binary form, is asked
// for as it comes.
bool BatchOperation::Repeatable(const Ending& ending) const noexcept {
  if (HasState(ending.error, "42883")) return true;
  const std::vector<Batch::Item>& items = batch_.items();
  return std::none_of(items.begin(), items.end(), [](const Batch::Item& i) { return i.ended; });
}

ErrorRef BatchOperation::Prepare() noexcept {
  for (size_t i = 0; i < statements_.size(); i++) {
    ErrorRef error = Check(statements_[i]);
    if (!error) continue;
    try {
      return MakeError(ErrorInfo{
          .status = error->status(),
          .phase = Phase::kOptions,
          .message = "statement " + std::to_string(i) + " of the batch: " + error->message(),
          .flags = kUnsent,
          .cause = error});
    } catch (const std::bad_alloc&) {
      return error;
    }
  }
  for (const Statement& statement : statements_)
    if (on_.lease()) NoteByHand(on_.lease(), statement);
  batch_.Run(to_run_.data(), to_run_.size());
  Connection* const on = held();
  if (!on || !(options_.separate || on->session().maybe_in_transaction)) return nullptr;
  const bool asks = std::any_of(statements_.begin(), statements_.end(), [&](const Statement& s) {
    return TextNamesQuestion::Wanted(s, *on, loop().turn_time());
  });
  if (asks)
    question_.reset(new (std::nothrow) TextNamesQuestion(
        static_cast<TextNamesQuestion::Owner&>(*this), *on, loop()));
  else
    LookAhead(*on);
  return nullptr;
}

// Only what stands behind nothing that may have made its tables.
void BatchOperation::LookAhead(Connection& connection) noexcept {
  for (; looked_at_ < statements_.size(); looked_at_++) {
    const Statement& statement = statements_[looked_at_];
    if (statement.verb() != Verb::kQuery) return;
    if (!TextNamesQuestion::Suspects(statement, connection)) continue;
    preview_.reset(new (std::nothrow) RunOf<Preview, &BatchOperation::OnPreview>(this));
    if (preview_) preview_->Run(&statement);
    return;
  }
}

void BatchOperation::OnTextNames(Ending ending) noexcept {
  Connection* const on = connection();
  answered_ = std::move(question_);
  if (stopping() && !ending.error) ending = {.unsent = true};
  if (ending.error || stopping()) return OnEnd(std::move(ending));
  LookAhead(*on);
  Follow(on);
}

void BatchOperation::OnPreview(Ending ending) noexcept {
  Connection* const on = connection();
  seen_ = std::move(preview_);
  // It fails when it is run, too: in its turn.
  if (ending.error && !ending.inside && ending.answered && !stopping()) return Follow(on);
  if (stopping() && !ending.error) ending = {.unsent = true};
  ending.done = looked_at_;
  if (ending.error || stopping()) return OnEnd(std::move(ending));
  looks_on_ = on;
  try {
    ending.rows = seen_->Empty();
  } catch (const std::bad_alloc&) {
    // As if it had none.
  }
  if (Introspection::Wanted(ending, on))
    return Introspect(on, std::move(ending), statements_[looked_at_], true);
  AfterPreview();
}

void BatchOperation::AfterPreview() noexcept {
  Connection* const on = std::exchange(looks_on_, nullptr);
  const uint64_t hash = statements_[looked_at_++].hash();
  ResultForms& forms = on_.pool().shared().forms;
  if (const RowDescription* columns = seen_->columns())
    forms.Foresee(hash, *columns, *on->session().catalog);
  forms.SetDescribed(hash);
  LookAhead(*on);
  Follow(on);
}

void BatchOperation::Judge(size_t at, const ErrorRef& error, BatchResult::State before,
                           BatchResult::State behind) noexcept {
  std::vector<Batch::Item>& items = batch_.items();
  for (size_t i = 0; i < results_.size(); i++) {
    items[i].rows = nullptr;
    results_[i].state = i < at ? before : behind;
    if (i != at) continue;
    results_[i].state = BatchResult::kFailed;
    items[i].error = error;
  }
}

bool BatchOperation::AskAbout(Connection* connection, Ending* ending) noexcept {
  // A transaction that has failed answers no questions.
  if (ending->error || !connection) return false;
  const std::vector<Batch::Item>& items = batch_.items();
  if (ending->inside &&
      std::any_of(items.begin(), items.end(), [](const Batch::Item& i) { return i.error; }))
    return false;
  ending_ = std::move(*ending);
  asks_on_ = connection;
  asked_ = 0;
  if (AskNext()) return true;
  *ending = std::move(ending_);
  return false;
}

bool BatchOperation::AskNext() noexcept {
  std::vector<Batch::Item>& items = batch_.items();
  while (asked_ < items.size() && !stopping()) {
    Ending one{.rows = items[asked_].rows, .answered = true, .inside = ending_.inside};
    if (!Introspection::Wanted(one, asks_on_)) {
      asked_++;
      continue;
    }
    const size_t at = asked_;
    asking_ = true;
    Introspect(asks_on_, std::move(one), statements_[at]);
    asking_ = false;
    if (asked_ == at) return true;  // Understood follows
  }
  return false;
}

void BatchOperation::Understood(Ending ending) noexcept {
  if (looks_on_) {
    if (ending.error) return Finish(std::move(ending));
    if (stopping()) return FinishCancelled(Phase::kQuery, {.unsent = true});
    return AfterPreview();
  }
  Batch::Item& item = batch_.items()[asked_++];
  item.rows = std::move(ending.rows);
  if (ending.error) {
    // Its transaction has failed meanwhile, and nothing more can be asked there.
    item.error = std::move(ending.error);
    asked_ = statements_.size();
  }
  if (asking_ || AskNext()) return;
  Finish(std::move(ending_));
}

void BatchOperation::Finish(Ending ending) noexcept {
  std::vector<Batch::Item>& items = batch_.items();
  if (ending.error) Break(ending);
  size_t well = 0;
  // Nothing of it was sent, or nobody knows how it ended.
  const bool lost = ending.error && !ending.answered;
  if (lost && ending.unsent) {
    Judge(0, ending.error, BatchResult::kNotRun, BatchResult::kNotRun);
  } else if (lost && options_.separate) {
    for (size_t i = 0; i < items.size(); i++) {
      if (items[i].ended) continue;
      results_[i].state = BatchResult::kUnknown;
      items[i].rows = nullptr;
    }
  } else if (lost) {
    Judge(items.size(), ending.error, BatchResult::kUnknown, BatchResult::kUnknown);
  } else if (ending.error) {
    // A failure of our own (too big) has let the server go on, which was stopped then.
    const auto open =
        std::find_if(items.begin(), items.end(), [](const auto& i) { return !i.ended; });
    const bool theirs = ending.error->status() == Status::kPg;
    const size_t at = theirs ? ending.done : static_cast<size_t>(open - items.begin());
    const auto ours = ending.inside || theirs ? BatchResult::kUndone : BatchResult::kUnknown;
    well = at;
    Judge(at, ending.error, ours, theirs ? BatchResult::kNotRun : ours);
  }
  while (well < items.size() && results_[well].state == BatchResult::kDone && !items[well].error)
    well++;
  // A failure of our own is none of the server's: its transaction would go on, and be committed.
  const bool own = std::any_of(items.begin(), items.end(), [](const Batch::Item& item) {
    return item.error && item.error->status() != Status::kPg;
  });
  if (own && !ending.error) Break({});
  Outcome outcome;
  if (ending.error)
    outcome = Outcome::Failed(std::move(ending.error));
  else if (well < items.size())
    outcome = Outcome::Failed(items[well].error);
  if (stopping() && HasState(outcome.error, "57014"))
    outcome = Outcome::Cancelled(Phase::kQuery);
  else
    outcome.code = static_cast<uint32_t>(well);
  End(std::move(outcome));
}

// All or nothing: nothing. Of others it is as they were answered.
void BatchOperation::FinishCancelled(Phase phase, const Ending& ending) noexcept {
  Break(ending);
  if (!options_.separate) return Complete(Outcome::Cancelled(phase));
  std::vector<Batch::Item>& items = batch_.items();
  for (size_t i = 0; i < items.size(); i++)
    if (!items[i].ended)
      results_[i].state = ending.unsent ? BatchResult::kNotRun : BatchResult::kUnknown;
  End(Outcome::Cancelled(phase));
}

void BatchOperation::End(Outcome outcome) noexcept {
  try {
    Ref<Rows> made = Rows::MakeBytes(sizeof(BatchResult) * std::max<size_t>(results_.size(), 1));
    auto parts = MakeRef<Parts>(std::move(batch_.items()));
    for (size_t i = 0; i < results_.size(); i++) {
      const Batch::Item& item = parts->items[i];
      if (item.rows) SettleTypes(item.rows->block());
      BatchResult& result = results_[i];
      if (item.error) result.state = BatchResult::kFailed;
      result.affected = item.rows ? item.affected : -1;
      result.rows = item.rows ? item.rows->block() : nullptr;
      result.error = item.error ? &item.error->fields() : nullptr;
    }
    if (!results_.empty())
      std::memcpy(made->memory(), results_.data(), sizeof(BatchResult) * results_.size());
    made->set_listener(std::move(parts));
    outcome.data = made->memory();
    outcome.size = sizeof(BatchResult) * results_.size();
    outcome.value = AddObject(Kind::kRows, std::move(made), loop());
  } catch (const std::bad_alloc&) {
    outcome.value = 0;
  }
  outcome.owned = outcome.value != 0;
  if (!outcome.owned) {
    // It was done all the same; in a transaction it must not be committed without a word.
    if (outcome.status == Status::kOk) Break({});
    return Fail(NoMemoryError());
  }
  Complete(std::move(outcome));
}

}  // namespace creche::pg
