#include "pg/op/stream_operation.h"

#include <algorithm>
#include <new>

#include "pg/connection.h"

namespace creche::pg {

namespace {

// What has rows, and no others come.
bool HasPreview(const Statement& statement) noexcept {
  return statement.verb() == Verb::kQuery;
}

}  // namespace

StreamOperation::StreamOperation(Connectable on, Statement&& statement, const QueryOptions& options)
    : PgOperation(std::move(on)),
      statement_(std::move(statement)),
      options_(options),
      run_(this, options_) {}

StreamOperation::~StreamOperation() {
  if (budget_) budget_->Forget();
}

ErrorRef StreamOperation::Prepare() noexcept {
  if (ErrorRef error = CheckStatement(statement_)) return error;
  try {
    budget_ = MakeRef<BlockBudget>(this, loop());
    timer_ = std::make_unique<Timer>(loop(), OnTimer, this);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
  if (on_.lease()) NoteByHand(on_.lease(), statement_);
  run_.Run(&statement_);
  run_.set_prepare(options_.prepare);
  run_.set_max_rows(options_.max_rows);
  preview_.Run(&statement_);
  previewed_ = !HasPreview(statement_) || on_.pool().shared().forms.Described(statement_.hash());
  return nullptr;
}

void StreamOperation::OnPreview(Ending ending) noexcept {
  Connection* const on = connection();
  // What was only described has not run, and will not.
  if (stopping() && !ending.error) ending.answered = false;
  if (ending.error || stopping()) return OnEnd(std::move(ending));
  on_connection_ = on;
  try {
    ending.rows = preview_.Empty();
  } catch (const std::bad_alloc&) {
    // As if it had none.
  }
  if (Introspection::Wanted(ending, on)) return Introspect(on, std::move(ending), statement_, true);
  Begin(on);
}

void StreamOperation::Understood(Ending) noexcept {
  if (stopping()) return FinishCancelled(Phase::kQuery, {});
  Begin(on_connection_);
}

void StreamOperation::Begin(Connection* on) noexcept {
  previewed_ = true;
  if (const RowDescription* columns = preview_.columns())
    on_.pool().shared().forms.Foresee(statement_.hash(), *columns, *on->session().catalog);
  on_.pool().shared().forms.SetDescribed(statement_.hash());
  Follow(on);
}

void StreamOperation::BeginAgain() noexcept {
  timer_->Disarm();
  run_.rows().Clear();
}

void StreamOperation::OnRows() noexcept {
  if (error_) return;
  if (run_.rows().full()) return DeliverNow();
  // It may not fill up for a long time.
  if (timer_->armed() || timer_->Arm(After(loop().now(), kPatience))) return;
  error_ = NoMemoryError();
  (void)connection()->Cancel(&run_);
}

void StreamOperation::DeliverNow() noexcept {
  if (!Deliver()) {
    error_ = NoMemoryError();
    (void)connection()->Cancel(&run_);
  } else if (budget_->held() >= options_.blocks) {
    connection()->Pause(true);
  }
}

bool StreamOperation::Deliver() noexcept {
  timer_->Disarm();
  tasks::Outcome outcome;
  outcome.what = tasks::What::kRows;
  outcome.owned = true;
  const uint64_t count = run_.rows().rows();
  try {
    Ref<Rows> rows = run_.rows().Take({}, -1);
    rows->set_listener(budget_);
    SettleTypes(rows->block());
    outcome.data = rows->block();
    outcome.size = rows->block()->total_size;
    outcome.value = AddObject(Kind::kRows, std::move(rows), loop());
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (outcome.value == 0) return false;
  budget_->Given();
  rows_ += count;
  const uint64_t id = outcome.value;
  if (Operation::Deliver(std::move(outcome))) return true;
  ReleaseObject(id);
  return false;
}

void StreamOperation::OnBlockBack() noexcept {
  if (connection() && budget_->held() < options_.blocks) connection()->Pause(false);
}

void StreamOperation::OnTimer(void* self) noexcept {
  auto* stream = static_cast<StreamOperation*>(self);
  if (stream->connection() && !stream->stopping() && !stream->error_ &&
      stream->run_.rows().rows() > 0)
    stream->DeliverNow();
}

void StreamOperation::Finish(Ending ending) noexcept {
  timer_->Disarm();
  // An error after rows: those came first, and belong to the user.
  if (!error_ && run_.rows().rows() > 0 && !Deliver()) error_ = NoMemoryError();
  if (error_ || ending.error) Break(ending);
  if (error_) return Fail(error_);
  if (ending.error) return Fail(std::move(ending.error));
  tasks::Outcome outcome;
  const uint64_t affected = ending.affected >= 0 ? static_cast<uint64_t>(ending.affected) : rows_;
  outcome.code = static_cast<uint32_t>(std::min<uint64_t>(affected, UINT32_MAX));
  Complete(std::move(outcome));
}

}  // namespace creche::pg
