#include "pg/command/init_script.h"

#include "pg/connection.h"
#include "pg/encoder.h"
#include "pg/op/query_operation.h"

namespace creche::pg {

InitScript::InitScript(Loop& loop, Connection& connection, const Statement& script, Nanos timeout)
    : loop_(loop), connection_(connection), timeout_(timeout), timer_(loop, OnTimer, this) {
  set_phase(Phase::kPool);
  Run(&script);
}

void InitScript::Begin() noexcept {
  if (ErrorRef unfit = CheckStatement(statement(0))) return connection_.Lose(unfit);
  if (!timer_.Arm(After(loop_.now(), timeout_))) return connection_.Lose(NoMemoryError());
  connection_.Submit(this);
}

void InitScript::Encode(Encoder* encoder) const noexcept {
  encoder->Script(statement(0));
}

void InitScript::OnEnd(Ending ending) noexcept {
  timer_.Disarm();
  if (connection_.lost()) return;
  if (ending.error) return connection_.Lose(ending.error);
  if (ending.inside)
    return connection_.Lose(MakeError(Status::kState, Phase::kPool,
                                      "the init of the pool's options leaves a transaction open: "
                                      "end it there with COMMIT"));
  // What it leaves is how the session is to be.
  connection_.session().dirty = false;
}

void InitScript::OnTimer(void* self) noexcept {
  static_cast<InitScript*>(self)->connection_.Lose(
      MakeError(Status::kTimeout, Phase::kPool,
                "the init of the pool's options did not end in connect_timeout", kRetryable));
}

}  // namespace creche::pg
