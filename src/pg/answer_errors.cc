// AnswerReader: errors, and what the server says unasked.
#include <new>
#include <string>

#include "pg/answer_reader.h"
#include "pg/command/command.h"
#include "pg/protocol/server_error.h"

namespace creche::pg {

namespace {

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

void AnswerReader::TakeError(const Message& message) noexcept {
  ServerFields fields;
  if (!fields.Parse(message.body, message.size, message.cut))
    return RefuseProtocol("a malformed error");
  // Unasked it can only be the end.
  if (pipeline_.empty()) return TakeLastWords(fields);
  Flight* const flight = &pipeline_.first();
  const bool parsing = flight->steps.stage() == AnswerSteps::Stage::kParse;
  const bool executing = flight->steps.executing();
  // Of several that stand for themselves the first ones may be done though this one is not.
  const bool begun = executing || flight->steps.done() > 0;
  // A lock that was taken before it failed is still held.
  if (flight->leaves_state) session_.dirty = true;
  SkipRest(flight);

  const std::string_view state = fields.get(Field::kSqlstate);
  if (!parsing && MayBeStale(state)) ForgetStatement(flight, executing, fields);
  if (state == "25006") {
    session_.OnWriteRefused(flight->implicit);
    flight->stale = session_.unwanted() && flight->implicit && !flight->cancelled;
  }
  ErrorRef error = ServerError(fields, flight->phase, !flight->commits);
  if (!flight->error) flight->error = error;
  if (flight->alone && flight->command) flight->command->OnError();
  if (!fields.fatal()) return;
  // Nothing follows. What had not begun by then never will.
  last_words_ = std::move(error);
  not_begun_ = EndsBetweenStatements(state) ? (begun ? 1 : 0) : SIZE_MAX;
  listener_.OnUnusable(Disconnected(0, last_words_));
}

// Up to its synchronization point the server skips what is left.
void AnswerReader::SkipRest(Flight* flight) noexcept {
  const bool unparsed = flight->steps.stage() <= AnswerSteps::Stage::kParse;
  const size_t first_skipped = flight->steps.done() + (unparsed ? 0 : 1);
  for (size_t i = first_skipped; flight->adds != 0 && i < flight->steps.statements(); i++)
    if (flight->adds >> i & 1) session_.cache.Forget(flight->added++);
  session_.cache.NotClosed(flight->steps.closes_left());
  flight->steps.Fail();
}

// What was prepared may not fit what there is now: the server looks anew at tables and functions,
// but not at the types of parameters that it has inferred.
void AnswerReader::ForgetStatement(Flight* flight, bool executing,
                                   const ServerFields& fields) noexcept {
  const std::string_view state = fields.get(Field::kSqlstate);
  Command* command = flight->command;
  size_t at = flight->steps.done();
  if (flight->asks) {
    // It does not know what a process is: no server that we know.
    if (at == 0) session_.peer = SessionState::Peer::kPooler;
    if (at == 0) flight->stale = flight->implicit && !flight->cancelled;
    if (at-- == 0) return;
  }
  if (!command || at >= command->count()) return;
  const Statement& failed = command->statement(at);
  session_.cache.Forget(failed);
  // With one that does not exist others may be gone.
  for (size_t i = 0; state == "26000" && i < command->count(); i++)
    session_.cache.Forget(command->statement(i));
  bool other_forms = false;
  if (flight->columns && executing && (at + 1 == command->count() || flight->each) &&
      ResultForms::Says(state, fields.get(Field::kRoutine)))
    other_forms = shared_.forms.Learn(failed.hash(), *flight->columns);
  if (state == "08P01") other_forms = shared_.forms.Forget(failed.hash());
  // What has just been prepared would fail again. What failed in a transaction of its own has left
  // nothing, unless it may commit in the middle.
  // (Of several that stand for themselves the others may be done.)
  if (!flight->implicit || flight->cancelled || flight->steps.each()) return;
  if (flight->steps.parsed_now() && !other_forms) return;
  if (executing && flight->commits) return;
  flight->stale = true;
  command->set_prepare(false);  // once: as it is then, it is the truth
}

// The server has said that it ends the session, and why.
void AnswerReader::TakeLastWords(const ServerFields& fields) noexcept {
  last_words_ = ServerError(fields, Phase::kQuery, false);
  listener_.OnUnusable(Disconnected(0, last_words_));
}

void AnswerReader::TakeNotice(const Message& message) noexcept {
  ServerFields fields;
  if (!fields.Parse(message.body, message.size, message.cut))
    return RefuseProtocol("a malformed notice");
  if (shared_.notices) shared_.notices->OnNotice(fields);
  if (!pipeline_.empty()) {
    if (fields.fatal()) last_words_ = ServerError(fields, Phase::kQuery, false);
  } else if (fields.fatal() || EndsSession(fields.get(Field::kSqlstate))) {
    TakeLastWords(fields);
  }
}

void AnswerReader::RefuseProtocol(const char* why) noexcept {
  try {
    listener_.OnUnusable(
        MakeError(Status::kProtocol, Phase::kQuery,
                  std::string("the server does not keep to PostgreSQL's protocol (") + why +
                      "): the connection was dropped; check what listens there"));
  } catch (const std::bad_alloc&) {
    listener_.OnUnusable(NoMemoryError());
  }
}

}  // namespace creche::pg
