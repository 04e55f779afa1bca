#include "pg/command/setup_script.h"

#include <utility>

#include "pg/connection.h"
#include "pg/op/query_operation.h"

namespace creche::pg {

namespace {

ErrorRef LateError() noexcept {
  return MakeError(Status::kTimeout, Phase::kPool,
                   "the setup of the pool's options did not end in acquire_timeout", kRetryable);
}

ErrorRef OpenError() noexcept {
  return MakeError(Status::kState, Phase::kPool,
                   "the setup of the pool's options leaves a transaction open: end it there with "
                   "COMMIT");
}

}  // namespace

SetupScript::SetupScript(Owner& owner, Loop& loop, const Statement& script, Nanos timeout)
    : owner_(owner), loop_(loop), timeout_(timeout), timer_(loop, OnTimer, this) {
  set_phase(Phase::kPool);
  Run(&script);
}

void SetupScript::Begin(Connection* connection) noexcept {
  connection_ = connection;
  if (ErrorRef unfit = CheckStatement(statement(0)))
    return owner_.OnSetUp({.error = std::move(unfit), .answered = true});
  if (!timer_.Arm(After(loop_.now(), timeout_)))
    return owner_.OnSetUp({.error = NoMemoryError(), .answered = true});
  connection->Submit(this);
}

bool SetupScript::Stop() noexcept {
  timer_.Disarm();
  return connection_->Cancel(this);
}

void SetupScript::OnEnd(Ending ending) noexcept {
  timer_.Disarm();
  if (ending.error && late_) ending = {.error = LateError(), .answered = true};
  if (!ending.error && ending.inside) ending.error = OpenError();
  owner_.OnSetUp(std::move(ending));
}

void SetupScript::OnTimer(void* self) noexcept {
  auto* script = static_cast<SetupScript*>(self);
  script->late_ = true;
  if (script->connection_->Cancel(script))
    script->owner_.OnSetUp({.error = LateError(), .answered = true});
}

}  // namespace creche::pg
