// Connection: what each message of the server's means.
#include <cstring>
#include <new>

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

}  // namespace

void Connection::Take(const Message& message) noexcept {
  switch (message.type) {
    case 'N':
      return TakeNotice(message);
    case 'S':
      return TakeParameter(message);
    case 'A':
      return;  // nobody listens
    case 'E':
      return TakeError(message);
    default:
      break;
  }
  // The reader has seen that it fits what is first in flight.
  Flight* const flight = &At(0);
  switch (message.type) {
    case 'D':
      return TakeRow(flight, message);
    case 'T':
      return TakeColumns(flight, message);
    case 'n':
      flight->steps.Take('n');
      try {
        flight->columns = RowDescription::None();
      } catch (const std::bad_alloc&) {
        return GiveUp(flight, NoMemoryError());
      }
      return BeginRows(flight);
    case '3':
      cache_.Closed();
      return flight->steps.Take('3');
    case '1':
      flight->added++;
      return flight->steps.Take('1');
    case '2':
      flight->steps.Take('2');
      // What it will look like is known.
      if (flight->steps.stage() == AnswerSteps::Stage::kExecute && flight->columns)
        BeginRows(flight);
      return;
    case 'C': {
      const char* at = message.body;
      const char* end = at + message.size;
      std::string_view tag;
      if (!TakeText(&at, end, &tag) || at != end)
        return LoseForProtocol("a malformed end of a command");
      return TakeEnd(flight, tag);
    }
    case 'I':
      return TakeEnd(flight, {});
    case 'Z':
      return EndOfFlight(*message.body);
    default:
      return Lose(CopyRefused());
  }
}

void Connection::TakeRow(Flight* flight, const Message& message) noexcept {
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
  flight->steps.Take('T');
  if (flight->shape == Request::Shape::kScript) return;
  try {
    flight->columns = RowDescription::Parse(message.body, message.size);
  } catch (const std::bad_alloc&) {
    return GiveUp(flight, NoMemoryError());
  }
  if (!flight->columns) return LoseForProtocol("a malformed description of columns");
  if (flight->described != 0) cache_.Describe(flight->described, flight->columns);
  BeginRows(flight);
}

// The last statement's rows may come.
void Connection::BeginRows(Flight* flight) noexcept {
  if (!Wanted(*flight)) return;
  const bool stream = flight->shape == Request::Shape::kStream;
  (stream ? flight->request->collector_ : &collector_)->Begin(flight->columns);
}

void Connection::TakeEnd(Flight* flight, std::string_view tag) noexcept {
  const bool last = flight->steps.last();
  flight->steps.Take('C');
  flight->plain = IsPlain(tag) && !flight->leaves_state;
  if (!flight->plain) {
    dirty_ = true;
    if (tag == "DISCARD ALL" || tag == "DEALLOCATE ALL") cache_.Clear();
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
  if (flights_ == 0) {
    // It comes unasked: the server is about to close.
    if (fields.fatal()) last_words_ = ServerError(fields, Phase::kQuery);
    return;
  }
  Flight* const flight = &At(0);
  const bool parsing = flight->steps.stage() == AnswerSteps::Stage::kParse;
  // A lock that was taken before it failed is still held.
  if (flight->leaves_state) dirty_ = true;
  // What is skipped now.
  for (size_t i = 0; i < flight->steps.parses_left(); i++)
    cache_.Forget(flight->added + static_cast<uint32_t>(i));
  cache_.NotClosed(flight->steps.closes_left());
  flight->steps.Fail();

  const std::string_view state = fields.get('C');
  const bool changed = state == "0A000" && fields.get('R') == "RevalidateCachedQuery";
  if (!parsing && (changed || state == "26000")) {
    flight->stale = flight->implicit && !flight->cancelled;
    if (flight->request)
      for (size_t i = 0; i < flight->request->count_; i++)
        cache_.Forget(*flight->request->statements_[i]);
  }
  ErrorRef error = ServerError(fields, Phase::kQuery);
  if (fields.fatal()) last_words_ = error;
  if (!flight->error) flight->error = std::move(error);
}

void Connection::TakeNotice(const Message& message) noexcept {
  ServerFields fields;
  if (!fields.Parse(message.body, message.size, message.cut))
    return LoseForProtocol("a malformed notice");
  if (fields.fatal()) last_words_ = ServerError(fields, Phase::kQuery);
}

void Connection::TakeParameter(const Message& message) noexcept {
  const char* at = message.body;
  const char* end = at + message.size;
  std::string_view name, value;
  if (!TakeText(&at, end, &name) || !TakeText(&at, end, &value) || at != end)
    return LoseForProtocol("a malformed parameter");
  if (name == "in_hot_standby") standby_ = value == "on";
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
    history_.RecordFailure(flight.hash);
}

void Connection::EndOfFlight(char status) noexcept {
  if (status != 'I' && status != 'T' && status != 'E')
    return LoseForProtocol("an unknown state of the transaction");
  Flight flight = std::move(At(0));
  first_++;
  flights_--;
  const Nanos now = loop_.now();
  // With more in flight it is what those will leave.
  if (flights_ > 0)
    At(0).since = now;
  else
    maybe_in_transaction_ = status != 'I';
  collector_.Clear();
  Remember(flight, now);
  if (flight.cancelled) cancelled_--;

  Reply reply{.error = std::move(flight.error),
              .rows = std::move(flight.rows),
              .affected = flight.affected,
              .answered = true,
              .partial = flight.partial};
  const bool hit = hits_ > 0 && HasState(reply.error, "57014");
  if (hit) {
    hits_--;
    // Somebody else's cancel. In its own transaction it was rolled back and nobody knows of it.
    if (!flight.cancelled) reply.undone = flight.implicit && !flight.commits;
  }
  if (flight.stale) reply.undone = true;
  // Rows that nobody waited for any more are missing, however well it ended.
  if (closing_ && (reply.error || reply.partial)) reply = {.error = closing_, .answered = true};
  if (!flight.request) return;
  flight.request->state_ = Request::State::kNone;
  flight.request->OnReply(std::move(reply));
}

}  // namespace creche::pg
