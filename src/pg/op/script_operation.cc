#include "pg/op/script_operation.h"

#include "pg/op/query_operation.h"

namespace creche::pg {

ErrorRef ScriptOperation::Prepare() noexcept {
  if (ErrorRef error = CheckStatement(script_)) return error;
  if (on_.lease()) NoteByHand(on_.lease(), script_);
  run_.Run(&script_);
  return nullptr;
}

void ScriptOperation::Finish(Ending ending) noexcept {
  if (ending.error) {
    Break(ending);
    return Fail(std::move(ending.error));
  }
  tasks::Outcome outcome;
  outcome.code = AffectedCode(ending.affected);
  Complete(std::move(outcome));
}

}  // namespace creche::pg
