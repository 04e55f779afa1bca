#include "pg/answer_reader.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "pg/command/command.h"
#include "pg/command/query.h"
#include "pg/protocol/backend_question.h"
#include "pg/protocol/bytes.h"
#include "pg/protocol/command_tag.h"

namespace creche::pg {

namespace {

ErrorRef CopyRefused() noexcept {
  return MakeError(Status::kUnsupported, Phase::kQuery,
                   "COPY from or to the client came through a query: use creche_pool_copy_in or "
                   "creche_pool_copy_out; the connection had to be dropped");
}

// The next text of a body; false if there is none.
bool NextText(const char** at, const char* end, std::string_view* text) {
  const void* nul = std::memchr(*at, '\0', static_cast<size_t>(end - *at));
  if (!nul) return false;
  *text = {*at, static_cast<size_t>(static_cast<const char*>(nul) - *at)};
  *at = static_cast<const char*>(nul) + 1;
  return true;
}

}  // namespace

void AnswerReader::TakeAll(Wire* wire) noexcept {
  Inbox& inbox = wire->inbox();
  while (!wire->stopped() && !wire->paused()) {
    const std::string_view bytes = inbox.bytes();
    if (bytes.empty()) break;
    if (!pipeline_.empty() && !reader_.skipping() && TakeUsual(bytes, &inbox)) continue;
    const AnswerSteps* steps = pipeline_.empty() ? nullptr : &pipeline_.first().steps;
    const auto type = static_cast<Backend>(bytes[0]);
    const bool row = reader_.skipping() || type == Backend::kDataRow || type == Backend::kCopyData;
    const size_t max_row = row ? MaxRow() : 0;
    size_t used;
    Message message;
    const MessageReader::Got got =
        reader_.Next(bytes.data(), bytes.size(), steps, max_row, &used, &message);
    inbox.Consume(used);
    if (got == MessageReader::Got::kMore) break;
    if (got == MessageReader::Got::kBad) return RefuseProtocol(reader_.why());
    Take(message);
  }
  wire->set_wanted(reader_.wanted());
}

// Nearly all messages are one of four, short, whole and in turn: those are taken at once, all
// others as MessageReader finds them, which says the same of these. False: it is none of these.
bool AnswerReader::TakeUsual(std::string_view bytes, Inbox* inbox) noexcept {
  constexpr size_t kHeader = 5, kShort = 16 * 1024;
  if (bytes.size() < kHeader) return false;
  const size_t length = Load32(bytes.data() + 1);
  if (length < 4 || length >= bytes.size() || length > kShort) return false;
  Flight* const flight = &pipeline_.first();
  const AnswerSteps::Stage stage = flight->steps.stage();
  const Message message{static_cast<Backend>(bytes[0]), false, bytes.data() + kHeader, length - 4};
  const auto takes = [&] {
    reader_.TookWhole();
    inbox->Consume(1 + length);
  };
  switch (message.type) {
    case Backend::kBindComplete:
      if (stage != AnswerSteps::Stage::kBind || message.size != 0) return false;
      takes();
      TakeBound(flight);
      return true;
    case Backend::kDataRow:
      if (stage != AnswerSteps::Stage::kExecute || message.size < 2 || message.size > MaxRow())
        return false;
      takes();
      TakeRow(flight, message);
      return true;
    case Backend::kCopyData:
      if (!flight->steps.Takes(message.type) || message.size > MaxRow()) return false;
      takes();
      TakeRow(flight, message);
      return true;
    case Backend::kCommandComplete:
      if (stage != AnswerSteps::Stage::kExecute || message.size < 1) return false;
      takes();
      TakeTag(flight, message);
      return true;
    case Backend::kReadyForQuery:
      if (stage != AnswerSteps::Stage::kReady || message.size != 1) return false;
      takes();
      TakeReady(message);
      return true;
    default:
      return false;
  }
}

// Longer rows need not be kept.
size_t AnswerReader::MaxRow() noexcept {
  if (pipeline_.empty()) return 0;
  const Flight& flight = pipeline_.first();
  if (flight.asks && flight.steps.done() == 0) return BackendQuestion::kMaxRow;
  return flight.command ? flight.command->MaxRow(flight, whole_) : 0;
}

void AnswerReader::Take(const Message& message) noexcept {
  // The reader has seen that what answers something fits what is first in flight.
  Flight* const flight = &pipeline_.first();
  switch (message.type) {
    case Backend::kNotice:
      return TakeNotice(message);
    case Backend::kParameterStatus:
      return TakeParameter(message);
    case Backend::kNotification:
      return TakeNotification(message);
    case Backend::kError:
      return TakeError(message);
    case Backend::kDataRow:
      return TakeRow(flight, message);
    case Backend::kParameterDescription:
      return TakeTypes(flight, message);
    case Backend::kRowDescription:
      return TakeColumns(flight, message);
    case Backend::kNoData:
      return TakeNoColumns(flight);
    case Backend::kCloseComplete:
      session_.cache.Closed();
      return flight->steps.Take(message.type);
    case Backend::kParseComplete:
      if (flight->adds != 0 && flight->adds >> flight->steps.done() & 1)
        session_.cache.Confirm(flight->added++);
      return flight->steps.Take(message.type);
    case Backend::kBindComplete:
      return TakeBound(flight);
    case Backend::kCommandComplete:
      return TakeTag(flight, message);
    case Backend::kEmptyQuery:
      return TakeEnd(flight, {});
    case Backend::kPortalSuspended:
      return TakeSuspended(flight);
    case Backend::kReadyForQuery:
      return TakeReady(message);
    case Backend::kCopyData:
      return TakeRow(flight, message);
    case Backend::kCopyDone:
      return flight->steps.Take(message.type);
    case Backend::kCopyIn:
    case Backend::kCopyOut:
      return TakeCopy(flight, message);
    default:
      return listener_.OnUnusable(CopyRefused());
  }
}

void AnswerReader::TakeBound(Flight* flight) noexcept {
  flight->steps.Take(Backend::kBindComplete);
  // What it will look like is known.
  if (flight->steps.stage() == AnswerSteps::Stage::kExecute && flight->columns) BeginRows(flight);
}

void AnswerReader::TakeCopy(Flight* flight, const Message& message) noexcept {
  const bool in = message.type == Backend::kCopyIn;
  flight->steps.Take(message.type);
  Command* command = flight->command;
  // Behind the format.
  const bool taken = command && (in ? command->OnCopyIn(flight, Load16(message.body + 1))
                                    : command->OnCopyOut(flight));
  if (!taken) return listener_.OnUnusable(CopyRefused());
  // Of what was to come from here, CopyFail has been said: the end follows by itself.
  if (flight->error && !in) listener_.OnGivenUp(flight);
}

void AnswerReader::TakeReady(const Message& message) noexcept {
  const auto status = static_cast<TransactionStatus>(*message.body);
  if (status != TransactionStatus::kIdle && status != TransactionStatus::kOpen &&
      status != TransactionStatus::kFailed)
    return RefuseProtocol("an unknown state of the transaction");
  Flight& flight = pipeline_.first();
  if (flight.steps.each()) {
    ErrorRef error = std::move(flight.error);
    if (flight.command) flight.command->OnItem(flight.steps.item(), std::move(error));
    flight.columns = nullptr;
    whole_.Clear();
    if (flight.steps.NextItem()) return;
  }
  if (status == TransactionStatus::kIdle) session_.OnTransactionOver();
  listener_.OnReady(status);
}

void AnswerReader::TakeRow(Flight* flight, const Message& message) noexcept {
  if (flight->asks && flight->steps.done() == 0) return TakeBackend(message);
  if (!flight->command) return;
  switch (flight->command->OnRow(flight, message, &whole_)) {
    case RowTaken::kYes:
    case RowTaken::kUnwanted:
      return;
    case RowTaken::kTooBig:
      return GiveUp(flight, TooBigError());
    case RowTaken::kNoMemory:
      return GiveUp(flight, NoMemoryError());
    case RowTaken::kMalformed:
      return RefuseProtocol("a malformed row");
  }
}

void AnswerReader::TakeColumns(Flight* flight, const Message& message) noexcept {
  const AnswerSteps::Stage stage = flight->steps.stage();
  const bool described = flight->steps.only_describes();
  flight->steps.Take(message.type);
  if (stage == AnswerSteps::Stage::kTypes && !described)
    return;  // the portal's follow, with their forms
  if (stage == AnswerSteps::Stage::kScript) return;
  if (flight->columns && flight->columns->Is(message.body, message.size) &&
      flight->columns->IsOf(session_.catalog.get()))
    return BeginRows(flight);
  try {
    flight->columns =
        RowDescription::Parse(message.body, message.size, session_.catalog.get(), !described);
  } catch (const std::bad_alloc&) {
    return GiveUp(flight, NoMemoryError());
  }
  if (!flight->columns) return RefuseProtocol("a malformed description of columns");
  // The table was made anew, perhaps: the next time it comes as it should.
  if (flight->columns->needless_text() && flight->command) {
    const size_t last = flight->command->count() - 1;
    const size_t whose = flight->each ? std::min(flight->steps.done(), last) : last;
    shared_.forms.Forget(flight->command->statement(whose).hash());
  }
  if (flight->described != 0) session_.cache.Describe(flight->described, flight->columns);
  session_.widest_forms = std::max(session_.widest_forms, flight->columns->forms().size());
  BeginRows(flight);
}

void AnswerReader::TakeNoColumns(Flight* flight) noexcept {
  const bool of_statement = flight->steps.stage() == AnswerSteps::Stage::kTypes;
  flight->steps.Take(Backend::kNoData);
  if (of_statement) return;
  try {
    flight->columns = RowDescription::None();
  } catch (const std::bad_alloc&) {
    return GiveUp(flight, NoMemoryError());
  }
  BeginRows(flight);
}

// The last statement's rows may come.
void AnswerReader::BeginRows(Flight* flight) noexcept {
  if (flight->command) flight->command->OnColumns(*flight, &whole_);
}

// Of a statement that has just been prepared. What the server has inferred it never looks at again:
// when a timestamp becomes a timestamptz, text with a zone would be read without it, and nobody
// would hear of it. Such statements are parsed each time; others if the text asks for it.
void AnswerReader::TakeTypes(Flight* flight, const Message& message) noexcept {
  const size_t count = Load16(message.body);
  if (message.size != 2 + 4 * count) return RefuseProtocol("a malformed list of types");
  if (flight->steps.only_describes()) {
    if (flight->command) flight->command->OnTypes(message.body + 2, count);
    return;
  }
  if (const uint64_t never = session_.cache.TakeTypes(flight->added - 1, message.body + 2, count))
    shared_.history.NeverPrepare(never);
}

void AnswerReader::TakeBackend(const Message& message) noexcept {
  const int process = BackendQuestion::Read(message.body, message.cut ? 0 : message.size);
  if (process != 0) shared_.tells_backend = true;
  session_.peer = process != 0 && process == process_ ? SessionState::Peer::kServer
                                                      : SessionState::Peer::kPooler;
}

void AnswerReader::TakeTag(Flight* flight, const Message& message) noexcept {
  const char* at = message.body;
  const char* end = at + message.size;
  std::string_view tag;
  if (!NextText(&at, end, &tag) || at != end) return RefuseProtocol("a malformed end of a command");
  TakeEnd(flight, tag);
}

void AnswerReader::TakeEnd(Flight* flight, std::string_view tag) noexcept {
  const bool last = flight->steps.last();
  flight->steps.Take(Backend::kCommandComplete);
  flight->plain = IsPlain(tag) && !flight->leaves_state;
  if (tag == "COMMIT" || tag == "PREPARE TRANSACTION") flight->commits = true;
  if (!flight->plain) {
    session_.OnTrace(tag);
    shared_.text_names.OnDone(tag, flight->names_text);
    if (session_.OnRenamed(flight->renames, tag)) shared_.OnRenamed();
  }
  if (!last && !flight->each) return;
  flight->affected = AffectedOf(tag);
  if (flight->command) flight->command->OnComplete(flight, tag, &whole_);
}

// There may be more rows; nobody wants them. What it has done is done.
void AnswerReader::TakeSuspended(Flight* flight) noexcept {
  flight->steps.Take(Backend::kPortalSuspended);
  flight->plain = !flight->leaves_state;
  if (!flight->plain) session_.dirty = true;
  if (flight->command) flight->command->OnComplete(flight, {}, &whole_);
}

void AnswerReader::TakeParameter(const Message& message) noexcept {
  const char* at = message.body;
  const char* end = at + message.size;
  std::string_view name, value;
  if (!NextText(&at, end, &name) || !NextText(&at, end, &value) || at != end)
    return RefuseProtocol("a malformed parameter");
  session_.OnParameter(name, value);
}

void AnswerReader::TakeNotification(const Message& message) noexcept {
  if (message.cut) return;  // no server says so much
  const char* at = message.body + 4;
  const char* end = message.body + message.size;
  std::string_view channel, payload;
  if (!NextText(&at, end, &channel) || !NextText(&at, end, &payload) || at != end)
    return RefuseProtocol("a malformed notification");
  listener_.OnNotification(Load32(message.body), channel, payload);
}

// Ends what runs for a reason of our own; its answer is read to the end.
void AnswerReader::GiveUp(Flight* flight, ErrorRef why) noexcept {
  flight->error = std::move(why);
  // A cancel would hit the others, which stand for themselves: what is left of this one is read
  // over.
  if (!flight->steps.each()) listener_.OnGivenUp(flight);
}

}  // namespace creche::pg
