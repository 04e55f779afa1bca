#include "pg/answer_steps.h"

namespace creche::pg {

bool AnswerSteps::Takes(char type) const noexcept {
  const bool script = stage_ == Stage::kScript;
  switch (type) {
    case '3':
      return stage_ == Stage::kClose;
    case '1':
      return stage_ == Stage::kParse;
    case '2':
      return stage_ == Stage::kBind;
    case 't':
      return stage_ == Stage::kTypes;
    case 'T':
      // A rule (DO ALSO) may add results to one statement, which ends only once.
      return stage_ == Stage::kTypes || stage_ == Stage::kDescribe || script;
    case 'n':
      return stage_ == Stage::kTypes || stage_ == Stage::kDescribe;
    case 'D':
      return stage_ == Stage::kExecute || in_rows_;
    case 'C':
      return stage_ == Stage::kExecute || script;
    case 'I':
    case 'G':
    case 'H':
    case 'W':
      return stage_ == Stage::kExecute || (script && !in_rows_);
    case 'Z':
      return stage_ == Stage::kReady || (script && !in_rows_);
    default:
      return false;
  }
}

void AnswerSteps::Take(char type) noexcept {
  if (stage_ == Stage::kScript) {
    if (type != 'D') in_rows_ = type == 'T';
    return;
  }
  switch (type) {
    case '3':
      closes_--;
      return Enter(Stage::kClose);
    case '1':
      parses_left_--;
      return Enter(Stage::kTypes);
    case '2':
      return Enter(Stage::kDescribe);
    case 'T':
    case 'n':
      return Enter(stage_ == Stage::kTypes ? Stage::kBind : Stage::kExecute);
    case 'C':
    case 'I':
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
