// Connection: what each message of the server's means.
#include <libpq-fe.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "pg/backend_question.h"
#include "pg/bytes.h"
#include "pg/command_tag.h"
#include "pg/connection.h"
#include "pg/server_error.h"

namespace creche::pg {

namespace {

ErrorRef CopyRefused() noexcept {
  return MakeError(Status::kUnsupported, Phase::kQuery,
                   "COPY to or from the client is not supported; use INSERT ... SELECT unnest(...) "
                   "or a stream; the connection had to be dropped");
}

ErrorRef TooBig() noexcept {
  return MakeError(Status::kLimit, Phase::kQuery,
                   "the result is bigger than max_bytes: use a stream or a LIMIT");
}

// The one text that a body consists of; false if it is not one.
bool TakeText(const char** at, const char* end, std::string_view* text) {
  const void* nul = std::memchr(*at, '\0', static_cast<size_t>(end - *at));
  if (!nul) return false;
  *text = {*at, static_cast<size_t>(static_cast<const char*>(nul) - *at)};
  *at = static_cast<const char*>(nul) + 1;
  return true;
}

// The server says these only where it looks for the next statement or rolls back what runs, and
// what it had done before it has said before: what it has not begun to answer did not begin.
bool EndsBetweenStatements(std::string_view state) {
  return state == "57P01" || state == "57P05";
}

// Errors that a prepared statement may have because it is not what it was when it was prepared:
// data that do not fit, names and types, plans, internal ones (an enum's value of another type);
// that it does not exist, or has other parameters or columns (a pooler's).
bool MayBeStale(std::string_view state) {
  const std::string_view kind = state.substr(0, 2);
  return kind == "22" || kind == "42" || kind == "XX" || kind == "0A" || kind == "26" ||
         state == "08P01";
}

// A notice that comes unasked and says that the session ends: another process has crashed.
bool EndsSession(std::string_view state) {
  return state == "57P01" || state == "57P02" || state == "57P04" || state == "57P05";
}

}  // namespace

void Connection::Take(const Message& message) noexcept {
  switch (message.type) {
    case Backend::kNotice:
      return TakeNotice(message);
    case Backend::kParameterStatus:
      return TakeParameter(message);
    case Backend::kNotification:
      return;  // nobody listens
    case Backend::kError:
      return TakeError(message);
    default:
      break;
  }
  // The reader has seen that it fits what is first in flight.
  Flight* const flight = &At(0);
  switch (message.type) {
    case Backend::kDataRow:
      return TakeRow(flight, message);
    case Backend::kParameterDescription:
      return TakeTypes(flight, message);
    case Backend::kRowDescription:
      return TakeColumns(flight, message);
    case Backend::kNoData:
      if (flight->steps.stage() == AnswerSteps::Stage::kTypes)
        return flight->steps.Take(Backend::kNoData);
      flight->steps.Take(Backend::kNoData);
      try {
        flight->columns = RowDescription::None();
      } catch (const std::bad_alloc&) {
        return GiveUp(flight, NoMemoryError());
      }
      return BeginRows(flight);
    case Backend::kCloseComplete:
      cache_.Closed();
      return flight->steps.Take(Backend::kCloseComplete);
    case Backend::kParseComplete:
      if (flight->adds >> flight->steps.done() & 1) cache_.Confirm(flight->added++);
      return flight->steps.Take(Backend::kParseComplete);
    case Backend::kBindComplete:
      flight->steps.Take(Backend::kBindComplete);
      // What it will look like is known.
      if (flight->steps.stage() == AnswerSteps::Stage::kExecute && flight->columns)
        BeginRows(flight);
      return;
    case Backend::kCommandComplete: {
      const char* at = message.body;
      const char* end = at + message.size;
      std::string_view tag;
      if (!TakeText(&at, end, &tag) || at != end)
        return LoseForProtocol("a malformed end of a command");
      return TakeEnd(flight, tag);
    }
    case Backend::kEmptyQuery:
      return TakeEnd(flight, {});
    case Backend::kReadyForQuery:
      return EndOfFlight(static_cast<TransactionStatus>(*message.body));
    default:
      return Lose(CopyRefused());
  }
}

void Connection::TakeRow(Flight* flight, const Message& message) noexcept {
  if (flight->asks && flight->steps.done() == 0) return TakeBackend(message);
  if (!Wanted(*flight)) {
    flight->partial = flight->shape == Request::Shape::kStream;
    return;
  }
  const bool stream = flight->shape == Request::Shape::kStream;
  if (message.cut) return GiveUp(flight, TooBig());
  RowCollector* into = stream ? flight->request->collector_ : &collector_;
  switch (into->Append(message.body, message.size)) {
    case RowCollector::Added::kOk:
      break;
    case RowCollector::Added::kNoMemory:
      return GiveUp(flight, NoMemoryError());
    case RowCollector::Added::kMalformed:
      return LoseForProtocol("a malformed row");
  }
  if (stream) {
    if (into->full()) flight->request->OnRows();
    return;
  }
  // Rows without columns take no room, but are not to go on for ever.
  if (into->bytes() > flight->max_bytes || into->rows() > flight->max_bytes)
    GiveUp(flight, TooBig());
}

void Connection::TakeColumns(Flight* flight, const Message& message) noexcept {
  const bool of_statement = flight->steps.stage() == AnswerSteps::Stage::kTypes;
  flight->steps.Take(Backend::kRowDescription);
  if (of_statement) return;  // the portal's follow, with their forms
  if (flight->shape == Request::Shape::kScript) return;
  if (flight->columns && flight->columns->Is(message.body, message.size)) return BeginRows(flight);
  try {
    flight->columns = RowDescription::Parse(message.body, message.size);
  } catch (const std::bad_alloc&) {
    return GiveUp(flight, NoMemoryError());
  }
  if (!flight->columns) return LoseForProtocol("a malformed description of columns");
  if (flight->described != 0) cache_.Describe(flight->described, flight->columns);
  widest_forms_ = std::max(widest_forms_, flight->columns->forms().size());
  BeginRows(flight);
}

// Of a statement that has just been prepared. What the server has inferred it never looks at again:
// when a timestamp becomes a timestamptz, text with a zone would be read without it, and nobody
// would hear of it. Such statements are parsed each time; others if the text asks for it.
void Connection::TakeTypes(Flight* flight, const Message& message) noexcept {
  const size_t count = Load16(message.body);
  if (message.size != 2 + 4 * count) return LoseForProtocol("a malformed list of types");
  if (const uint64_t never = cache_.TakeTypes(flight->added - 1, message.body + 2, count))
    history_.NeverPrepare(never);
}

void Connection::TakeBackend(const Message& message) noexcept {
  const int process = BackendQuestion::Read(message.body, message.cut ? 0 : message.size);
  if (process != 0) shared_.tells_backend = true;
  direct_ = process != 0 && process == PQbackendPID(connection_) ? Direct::kYes : Direct::kNo;
}

// The last statement's rows may come.
void Connection::BeginRows(Flight* flight) noexcept {
  if (!Wanted(*flight)) return;
  const bool stream = flight->shape == Request::Shape::kStream;
  (stream ? flight->request->collector_ : &collector_)->Begin(flight->columns);
}

void Connection::TakeEnd(Flight* flight, std::string_view tag) noexcept {
  const bool last = flight->steps.last();
  flight->steps.Take(Backend::kCommandComplete);
  flight->plain = IsPlain(tag) && !flight->leaves_state;
  if (tag == "COMMIT" || tag == "PREPARE TRANSACTION") flight->commits = true;
  if (!flight->plain) {
    dirty_ = true;
    if (tag == "PREPARE") foreign_statements_ = true;
    if (tag == "DISCARD ALL" || tag == "DEALLOCATE ALL") {
      cache_.Clear();
      foreign_statements_ = false;
    }
  }
  if (!last) return;
  flight->affected = AffectedOf(tag);
  if (flight->shape != Request::Shape::kRows || !flight->request || flight->error) return;
  try {
    flight->rows = collector_.Take(tag, flight->affected);
    if (flight->rows->block()->total_size <= flight->max_bytes) return;
    flight->rows = nullptr;
    flight->error = TooBig();
  } catch (const std::bad_alloc&) {
    flight->error = NoMemoryError();
  }
}

void Connection::TakeError(const Message& message) noexcept {
  ServerFields fields;
  if (!fields.Parse(message.body, message.size, message.cut))
    return LoseForProtocol("a malformed error");
  // Unasked it can only be the end.
  if (flights_ == 0) return TakeLastWords(fields);
  Flight* const flight = &At(0);
  const bool parsing = flight->steps.stage() == AnswerSteps::Stage::kParse;
  const bool executing = flight->steps.executing();
  // A lock that was taken before it failed is still held.
  if (flight->leaves_state) dirty_ = true;
  // What is skipped now.
  const bool unparsed = flight->steps.stage() <= AnswerSteps::Stage::kParse;
  const size_t first_skipped = flight->steps.done() + (unparsed ? 0 : 1);
  for (size_t i = first_skipped; i < flight->steps.statements(); i++)
    if (flight->adds >> i & 1) cache_.Forget(flight->added++);
  cache_.NotClosed(flight->steps.closes_left());
  flight->steps.Fail();

  const std::string_view state = fields.get(Field::kSqlstate);
  if (!parsing && MayBeStale(state))
    ForgetStatement(flight, executing, state, fields.get(Field::kRoutine));
  if (state == "25006") {
    refused_write_ = true;
    flight->stale = unwanted() && flight->implicit && !flight->cancelled;
  }
  ErrorRef error = ServerError(fields, flight->phase, !flight->commits);
  if (!flight->error) flight->error = error;
  if (!fields.fatal()) return;
  // Nothing follows. What had not begun by then never will.
  last_words_ = std::move(error);
  not_begun_ = EndsBetweenStatements(state) ? (executing ? 1 : 0) : SIZE_MAX;
  Lose(Disconnected(0, last_words_));
}

// What was prepared may not fit what there is now: the server looks anew at tables and functions,
// but not at the types of parameters that it has inferred.
void Connection::ForgetStatement(Flight* flight, bool executing, std::string_view state,
                                 std::string_view routine) noexcept {
  Request* request = flight->request;
  size_t at = flight->steps.done();
  if (flight->asks) {
    // It does not know what a process is: no server that we know.
    if (at == 0) direct_ = Direct::kNo;
    if (at == 0) flight->stale = flight->implicit && !flight->cancelled;
    if (at-- == 0) return;
  }
  if (!request || at >= request->count_) return;
  const Statement& failed = *request->statements_[at];
  cache_.Forget(failed);
  // With one that does not exist others may be gone.
  for (size_t i = 0; state == "26000" && i < request->count_; i++)
    cache_.Forget(*request->statements_[i]);
  bool other_forms = false;
  if (flight->columns && executing && at + 1 == request->count_ &&
      ResultForms::Says(state, routine))
    other_forms = shared_.forms.Learn(failed.hash(), *flight->columns);
  if (state == "08P01") other_forms = shared_.forms.Forget(failed.hash());
  // What has just been prepared would fail again. What failed in a transaction of its own has left
  // nothing, unless it may commit in the middle.
  if (!flight->implicit || flight->cancelled) return;
  if (flight->steps.parsed_now() && !other_forms) return;
  if (executing && flight->commits) return;
  flight->stale = true;
  request->prepare_ = false;  // once: as it is then, it is the truth
}

// The server has said that it ends the session, and why.
void Connection::TakeLastWords(const ServerFields& fields) noexcept {
  last_words_ = ServerError(fields, Phase::kQuery, false);
  Lose(Disconnected(0, last_words_));
}

void Connection::TakeNotice(const Message& message) noexcept {
  ServerFields fields;
  if (!fields.Parse(message.body, message.size, message.cut))
    return LoseForProtocol("a malformed notice");
  if (flights_ > 0) {
    if (fields.fatal()) last_words_ = ServerError(fields, Phase::kQuery, false);
  } else if (fields.fatal() || EndsSession(fields.get(Field::kSqlstate))) {
    TakeLastWords(fields);
  }
}

void Connection::TakeParameter(const Message& message) noexcept {
  const char* at = message.body;
  const char* end = at + message.size;
  std::string_view name, value;
  if (!TakeText(&at, end, &name) || !TakeText(&at, end, &value) || at != end)
    return LoseForProtocol("a malformed parameter");
  if (name == "in_hot_standby") standby_ = value == "on";
  if (name == "default_transaction_read_only") reads_only_ = value == "on";
}

bool Connection::HasRole() const noexcept {
  switch (settings_.role) {
    case Role::kReadWrite:
      return !refused_write_ && !standby_ && !reads_only_;
    case Role::kPrimary:
      return !refused_write_ && !standby_;
    case Role::kStandby:
      return standby_;
    case Role::kReadOnly:
      return standby_ || reads_only_;
    default:
      return true;
  }
}

// Ends what runs for a reason of our own; its answer is read to the end.
void Connection::GiveUp(Flight* flight, ErrorRef why) noexcept {
  flight->error = std::move(why);
  CancelFlight(flight);
  StepCancel();
}

void Connection::Remember(const Flight& flight, Nanos now) noexcept {
  if (flight.hash == 0) return;
  if (!flight.error)
    history_.Record(flight.hash, now - flight.since, flight.plain);
  else if (HasState(flight.error, "57014"))
    history_.RecordStop(flight.hash, now - flight.since);
}

void Connection::EndOfFlight(TransactionStatus status) noexcept {
  if (status != TransactionStatus::kIdle && status != TransactionStatus::kOpen &&
      status != TransactionStatus::kFailed)
    return LoseForProtocol("an unknown state of the transaction");
  Flight flight = std::move(At(0));
  first_++;
  flights_--;
  const Nanos now = loop_.now();
  // With more in flight it is what those will leave.
  if (flights_ > 0)
    At(0).since = now;
  else
    maybe_in_transaction_ = status != TransactionStatus::kIdle;
  collector_.Clear();
  Remember(flight, now);
  if (flight.cancelled) cancelled_--;
  // Its first statement may not have been run.
  if (flight.asks && direct_ == Direct::kAsked) direct_ = Direct::kUnknown;
  if (flight.firm) firm_--;
  if (flight.changes) changes_--;
  if (flight.alone && (fastest_ == 0 || now - flight.since < fastest_)) {
    fastest_ = now - flight.since;
    shared_.fastest_hash = flight.hash;
  }

  Reply reply{.error = std::move(flight.error),
              .rows = std::move(flight.rows),
              .affected = flight.affected,
              .answered = true,
              .inside = status != TransactionStatus::kIdle,
              .partial = flight.partial};
  const bool hit = hits_ > 0 && HasState(reply.error, "57014");
  if (hit) {
    hits_--;
    // Somebody else's cancel. In its own transaction it was rolled back and nobody knows of it.
    if (!flight.cancelled)
      reply.undone = flight.implicit && !flight.commits && (!reply.inside || flight.opens);
  }
  if (flight.stale) reply.undone = true;
  // Rows that nobody waited for any more are missing, however well it ended.
  if (closing_ && (reply.error || reply.partial)) reply = {.error = closing_, .answered = true};
  if (!flight.request) return;
  if (status == TransactionStatus::kFailed && PutBack(flight, &reply)) return;
  flight.request->state_ = Request::State::kNone;
  flight.request->OnReply(std::move(reply));
}

}  // namespace creche::pg
