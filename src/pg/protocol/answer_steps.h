// AnswerSteps: what the server has yet to say to one flight, in the only order that the protocol
// allows: closes first, then for each statement its Parse, Bind, Describe and Execute, then ready.
// After an error nothing but "ready" comes. Messages that may come at any time (notices,
// parameters, notifications) and errors are not looked at here.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pg/protocol/message.h"

namespace creche::pg {

class AnswerSteps {
 public:
  enum class Stage : uint8_t {
    kClose,
    kParse,
    kTypes,
    kBind,
    kDescribe,
    kExecute,
    kScript,
    kReady
  };
  static constexpr size_t kMaxStatements = 32;

  // ---- What was sent ----
  void AddClose() noexcept { closes_++; }
  // At most kMaxStatements; only the last one may be described. types: the statement is, too, as it
  // was parsed.
  void AddStatement(bool parse, bool describe, bool types = false) noexcept {
    if (parse) parses_ |= 1u << statements_;
    if (types) types_ |= 1u << statements_;
    describe_ = describe;
    statements_++;
  }
  void SetScript() noexcept { stage_ = Stage::kScript; }
  // So many that are all parsed, bound, described and executed. each: with "ready" behind each one.
  void AddAlike(uint32_t count, bool each) noexcept {
    alike_ = true;
    each_ = each;
    statements_ = count;
  }
  // One that is parsed and described, and not run.
  void AddDescription() noexcept {
    parses_ = types_ = 1;
    runs_ = false;
    statements_ = 1;
  }
  // The same, and a script behind it.
  void AddDescribedScript() noexcept {
    AddDescription();
    script_follows_ = true;
  }
  // One that is bound and executed as often as we like, and parsed before any of these.
  void SetRepeated(bool describe) noexcept {
    repeated_ = true;
    describe_ = describe;
    statements_ = 1;
  }
  // The statements are not executed.
  void SetNotExecuted() noexcept { executes_ = false; }
  void Sent() noexcept {
    if (stage_ != Stage::kScript) Enter(Stage::kClose);
  }

  // ---- What comes ----
  // True if a message of this type may come now.
  bool Takes(Backend type) const noexcept;
  // It came.
  void Take(Backend type) noexcept;
  // An ErrorResponse came: what is left is skipped.
  void Fail() noexcept {
    stage_ = Stage::kReady;
    in_rows_ = in_copy_ = false;
    failed_ = true;
    closes_ = 0;  // they were skipped, and are so once: another error may follow
  }

  // "Ready" came. True if it was that of one of several (AddAlike), and the next one begins.
  bool NextItem() noexcept {
    if (!each_) return false;
    done_ += failed_;
    failed_ = false;
    if (done_ >= statements_) return false;
    Enter(Stage::kParse);
    return true;
  }
  // The one that has ended last, or has failed.
  size_t item() const noexcept { return failed_ ? done_ : done_ - 1; }
  bool each() const noexcept { return each_; }
  // AddDescription.
  bool only_describes() const noexcept { return !runs_; }

  Stage stage() const noexcept { return stage_; }
  // True for the last statement, and from then on.
  bool last() const noexcept { return done_ + 1 >= statements_; }
  // True if the statement whose turn it is was prepared with this flight.
  bool parsed_now() const noexcept { return alike_ || repeated_ || (parses_ >> done_ & 1); }
  size_t done() const noexcept { return done_; }
  // So many were sent.
  size_t statements() const noexcept { return statements_; }
  // True if the server may have begun to execute a statement.
  bool executing() const noexcept { return stage_ > Stage::kBind || (done_ > 0 && !each_); }
  // Closes that were not answered.
  size_t closes_left() const noexcept { return closes_; }

 private:
  // The next stage from this one on that this flight has.
  void Enter(Stage stage) noexcept;

  Stage stage_ = Stage::kReady;
  uint8_t closes_ = 0;
  bool alike_ = false;
  bool each_ = false;
  bool repeated_ = false;
  bool runs_ = true;
  bool script_follows_ = false;
  bool failed_ = false;  // the one whose turn it was
  uint32_t statements_ = 0;
  uint32_t done_ = 0;  // statements that have ended
  bool describe_ = false;
  bool executes_ = true;
  bool in_rows_ = false;  // of a script: the columns have come, so rows may
  bool in_copy_ = false;  // of a script: what it copies to us comes, or it awaits what we do
  uint32_t parses_ = 0;   // bit i: statement i is prepared
  uint32_t types_ = 0;    // bit i: the types of its parameters are asked for
};

// For each message that comes: not worth a call.
inline bool AnswerSteps::Takes(Backend type) const noexcept {
  const bool script = stage_ == Stage::kScript;
  const bool between = repeated_ && stage_ == Stage::kBind;
  if (in_copy_ && type != Backend::kCommandComplete)
    return type == Backend::kCopyData || type == Backend::kCopyDone;
  switch (type) {
    case Backend::kCloseComplete:
      return stage_ == Stage::kClose;
    case Backend::kParseComplete:
      return stage_ == Stage::kParse || between;
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
    case Backend::kPortalSuspended:
      return stage_ == Stage::kExecute;
    case Backend::kEmptyQuery:
    case Backend::kCopyIn:
    case Backend::kCopyOut:
    case Backend::kCopyBoth:
      return stage_ == Stage::kExecute || (script && !in_rows_);
    case Backend::kReadyForQuery:
      return stage_ == Stage::kReady || (script && !in_rows_) || between;
    default:
      return false;
  }
}

inline void AnswerSteps::Take(Backend type) noexcept {
  if (stage_ == Stage::kScript) {
    if (type == Backend::kCopyData) return;
    if (type != Backend::kDataRow) in_rows_ = type == Backend::kRowDescription;
    in_copy_ = type == Backend::kCopyIn || type == Backend::kCopyOut;
    return;
  }
  switch (type) {
    case Backend::kCloseComplete:
      closes_--;
      return Enter(Stage::kClose);
    case Backend::kParseComplete:
      return Enter(repeated_ ? Stage::kBind : Stage::kTypes);
    case Backend::kBindComplete:
      return Enter(Stage::kDescribe);
    case Backend::kRowDescription:
    case Backend::kNoData:
      return Enter(stage_ == Stage::kTypes ? Stage::kBind : Stage::kExecute);
    case Backend::kCommandComplete:
    case Backend::kEmptyQuery:
    case Backend::kPortalSuspended:
      done_++;
      return Enter(each_ ? Stage::kReady : Stage::kParse);
    default:
      return;  // a row, or the end
  }
}

inline void AnswerSteps::Enter(Stage stage) noexcept {
  if (stage == Stage::kClose && closes_ == 0) stage = Stage::kParse;
  if (stage == Stage::kParse && repeated_) stage = Stage::kBind;
  if (stage == Stage::kParse && done_ == statements_) stage = Stage::kReady;
  if (!alike_) {
    if (stage == Stage::kParse && !(parses_ >> done_ & 1)) stage = Stage::kTypes;
    if (stage == Stage::kDescribe && !(describe_ && last())) stage = Stage::kExecute;
  }
  if (stage == Stage::kTypes && (alike_ || !(types_ >> done_ & 1))) stage = Stage::kBind;
  if (stage == Stage::kBind && !runs_) stage = script_follows_ ? Stage::kScript : Stage::kReady;
  if (stage == Stage::kExecute && !executes_) {
    done_ = statements_;
    stage = Stage::kReady;
  }
  stage_ = stage;
}

}  // namespace creche::pg
