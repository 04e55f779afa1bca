#include "pg/op/script_operation.h"

#include "pg/op/query_operation.h"
#include "pg/sql/script_text.h"

namespace creche::pg {

ErrorRef ScriptOperation::Prepare() noexcept {
  if (script_.error()) return script_.error();
  if (ScriptCopies(script_.text())) return CopyError();
  if (on_.lease()) NoteByHand(on_.lease(), script_, true);
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
