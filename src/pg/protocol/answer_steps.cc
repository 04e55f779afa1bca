#include "pg/protocol/answer_steps.h"

namespace creche::pg {

bool AnswerSteps::Takes(Backend type) const noexcept {
  const bool script = stage_ == Stage::kScript;
  switch (type) {
    case Backend::kCloseComplete:
      return stage_ == Stage::kClose;
    case Backend::kParseComplete:
      return stage_ == Stage::kParse;
    case Backend::kBindComplete:
      return stage_ == Stage::kBind;
    case Backend::kParameterDescription:
      return stage_ == Stage::kTypes;
    case Backend::kRowDescription:
      // A rule (DO ALSO) may add results to one statement, which ends only once.
      return stage_ == Stage::kTypes || stage_ == Stage::kDescribe || script;
    case Backend::kNoData:
      return stage_ == Stage::kTypes || stage_ == Stage::kDescribe;
    case Backend::kDataRow:
      return stage_ == Stage::kExecute || in_rows_;
    case Backend::kCommandComplete:
      return stage_ == Stage::kExecute || script;
    case Backend::kEmptyQuery:
    case Backend::kCopyIn:
    case Backend::kCopyOut:
    case Backend::kCopyBoth:
      return stage_ == Stage::kExecute || (script && !in_rows_);
    case Backend::kReadyForQuery:
      return stage_ == Stage::kReady || (script && !in_rows_);
    default:
      return false;
  }
}

void AnswerSteps::Take(Backend type) noexcept {
  if (stage_ == Stage::kScript) {
    if (type != Backend::kDataRow) in_rows_ = type == Backend::kRowDescription;
    return;
  }
  switch (type) {
    case Backend::kCloseComplete:
      closes_--;
      return Enter(Stage::kClose);
    case Backend::kParseComplete:
      parses_left_--;
      return Enter(Stage::kTypes);
    case Backend::kBindComplete:
      return Enter(Stage::kDescribe);
    case Backend::kRowDescription:
    case Backend::kNoData:
      return Enter(stage_ == Stage::kTypes ? Stage::kBind : Stage::kExecute);
    case Backend::kCommandComplete:
    case Backend::kEmptyQuery:
      done_++;
      return Enter(Stage::kParse);
    default:
      return;  // a row, or the end
  }
}

void AnswerSteps::Enter(Stage stage) noexcept {
  if (stage == Stage::kClose && closes_ == 0) stage = Stage::kParse;
  if (stage == Stage::kParse && done_ == statements_) stage = Stage::kReady;
  if (stage == Stage::kParse && !(parses_ >> done_ & 1)) stage = Stage::kTypes;
  if (stage == Stage::kTypes && !(types_ >> done_ & 1)) stage = Stage::kBind;
  if (stage == Stage::kDescribe && !(describe_ && last())) stage = Stage::kExecute;
  stage_ = stage;
}

}  // namespace creche::pg
