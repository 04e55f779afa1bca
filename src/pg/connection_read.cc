// Connection: reading answers.
#include <libpq-fe.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "pg/connection.h"
#include "pg/row_builder.h"
#include "pg/server_error.h"
#include "platform/tls_pending.h"

namespace creche::pg {

namespace {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

ErrorRef Disconnected(PGconn* connection, const ErrorRef& last_words) noexcept {
  try {
    return MakeError(ErrorInfo{
        .status = Status::kDisconnected,
        .phase = Phase::kQuery,
        .message = last_words
                       ? std::string("the server ended the session: ") + last_words->message()
                       : "the connection was lost: " + OneLine(PQerrorMessage(connection)),
        .cause = last_words});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

ErrorRef CopyRefused() noexcept {
  return MakeError(Status::kUnsupported, Phase::kQuery,
                   "COPY to or from the client is not supported; use INSERT ... SELECT unnest(...) "
                   "or a stream; the connection had to be dropped");
}

ErrorRef TooBig() noexcept {
  return MakeError(Status::kLimit, Phase::kQuery,
                   "the result is bigger than max_bytes: use a stream or a LIMIT");
}

// Statements that leave nothing behind but their data.
bool IsPlain(const char* tag) {
  const auto is = [tag](const char* command) {
    return std::strncmp(tag, command, std::strlen(command)) == 0;
  };
  switch (*tag) {
    case 'S':
      return is("SELECT");
    case 'I':
      return is("INSERT");
    case 'U':
      return is("UPDATE");
    case 'D':
      return is("DELETE");
    case 'M':
      return is("MERGE");
    default:
      return false;
  }
}

}  // namespace

void Connection::OnReady(void* self, unsigned ready) noexcept {
  auto* connection = static_cast<Connection*>(self);
  if (ready & platform::kRead) return connection->Read();
  connection->Flush();
}

void Connection::Read() noexcept {
  CountBytes();
  bool alive = PQconsumeInput(connection_) != 0;
  Drain();
  // OpenSSL may hold decrypted bytes that the descriptor knows nothing of.
  while (alive && !lost_ && !paused_ && PQsslInUse(connection_) &&
         platform::TlsPending(PQsslStruct(connection_, "OpenSSL"))) {
    alive = PQconsumeInput(connection_) != 0;
    Drain();
  }
  if (lost_) return;
  while (PGnotify* notification = PQnotifies(connection_)) PQfreemem(notification);
  if (!alive || PQstatus(connection_) == CONNECTION_BAD)
    return Lose(Disconnected(connection_, last_words_));
  if (flushing_) Flush();
  owner_.OnProgress(this);
}

// An answer that takes more than one read is watched: libpq would collect it all before it tells.
void Connection::CountBytes() noexcept {
  if (flights_ == 0) return;
  Flight& flight = At(0);
  if (flight.max_bytes == UINT64_MAX || flight.shape == Request::Shape::kStream) return;
  constexpr int kRoom = 8192;  // libpq reads at least so much, if it is there
  int bytes = 0;
  if (flight.read > 0) (void)ioctl(PQsocket(connection_), FIONREAD, &bytes);
  flight.read += static_cast<uint64_t>(std::clamp(bytes, 1, kRoom));
  if (flight.read <= flight.max_bytes || flight.cancelled) return;
  flight.error = TooBig();
  CancelFlight(&flight);
  StepCancel();
}

void Connection::Drain() noexcept {
  reading_ = true;
  while (flights_ > 0 && !lost_ && !paused_ && !PQisBusy(connection_)) {
    Flight& flight = At(0);
    PGresult* result = PQgetResult(connection_);
    if (result) {
      Take(&flight, result);
    } else if (PQstatus(connection_) == CONNECTION_BAD || flight.step >= flight.steps) {
      break;  // a dead connection says NULL for ever
    } else {
      EndOfStep(&flight);
    }
  }
  reading_ = false;
  if (flights_ == 0 && !lost_) {
    // Also what comes without being asked for is parsed.
    (void)PQisBusy(connection_);
    if (!cancel_) {
      hits_ = 0;
      retry_at_ = 0;
      if (!closing_) frozen_ = false;
    }
  }
  if (lost_) return;
  if (cancelled_ > 0) StepCancel();
  Advance();
}

void Connection::Take(Flight* flight, PGresult* taken) noexcept {
  const Result result(taken, &PQclear);
  switch (PQresultStatus(taken)) {
    case PGRES_PIPELINE_SYNC:
      return EndOfFlight();
    case PGRES_SINGLE_TUPLE:
      if (flight->request && !flight->cancelled) flight->request->OnRows(taken);
      return;
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
      return TakeRows(flight, taken);
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE:
      return TakeError(flight, taken);
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return Lose(CopyRefused());
    case PGRES_PIPELINE_ABORTED:
      if (flight->parses >> flight->step & 1) cache_.Forget(flight->added);
      return;
    default:
      return;
  }
}

void Connection::TakeRows(Flight* flight, const PGresult* result) noexcept {
  const uint32_t bit = 1u << flight->step;
  if ((flight->parses | flight->closes) & bit) return;
  const char* tag = PQcmdStatus(const_cast<PGresult*>(result));
  flight->plain = IsPlain(tag);
  if (!flight->plain) {
    dirty_ = true;
    if (std::strcmp(tag, "DISCARD ALL") == 0 || std::strcmp(tag, "DEALLOCATE ALL") == 0)
      cache_.Clear();
  }
  const bool last = flight->step + 1 == flight->steps;
  if (!last) return;
  flight->affected = AffectedOf(result);
  if (!flight->request || flight->error || flight->shape == Request::Shape::kScript) return;
  // What a stream ends with has no rows any more, only the columns and the tag.
  if (flight->shape == Request::Shape::kStream) return;
  try {
    const ResultBlock block(result);
    if (block.size() <= flight->max_bytes)
      flight->rows = block.Build(flight->affected);
    else
      flight->error = TooBig();
  } catch (const std::bad_alloc&) {
    flight->error = NoMemoryError();
  }
}

void Connection::TakeError(Flight* flight, const PGresult* result) noexcept {
  const bool parsing = flight->parses >> flight->step & 1;
  if (parsing) cache_.Forget(flight->added);
  if (!PQresultErrorField(result, PG_DIAG_SQLSTATE)) {
    // libpq's own: the connection broke, which the reader will see, or there was no memory.
    if (!flight->error && PQstatus(connection_) != CONNECTION_BAD) flight->error = NoMemoryError();
    return;
  }
  const char* routine = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
  const bool changed =
      HasState(result, "0A000") && routine && std::strcmp(routine, "RevalidateCachedQuery") == 0;
  if (!parsing && (changed || HasState(result, "26000"))) {
    flight->stale = flight->implicit && !flight->cancelled;
    if (flight->request)
      for (size_t i = 0; i < flight->request->count_; i++)
        cache_.Forget(*flight->request->statements_[i]);
  }
  const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity && std::strcmp(severity, "FATAL") == 0)
    last_words_ = ServerError(result, Phase::kQuery);
  if (!flight->error) flight->error = ServerError(result, Phase::kQuery);
}

void Connection::EndOfStep(Flight* flight) noexcept {
  if (flight->parses >> flight->step & 1) flight->added++;
  flight->step++;
  if (flight->shape != Request::Shape::kScript) return;
  // A script's end is the only NULL that it has.
  if (!PQenterPipelineMode(connection_))
    return Lose(MakeError(Status::kInternal, Phase::kQuery, "cannot go back to pipeline mode"));
  EndOfFlight();
}

void Connection::Remember(const Flight& flight, Nanos now) noexcept {
  if (flight.hash == 0) return;
  if (!flight.error)
    history_.Record(flight.hash, now - flight.since, flight.plain);
  else if (HasState(flight.error, "57014"))
    history_.RecordFailure(flight.hash);
}

void Connection::EndOfFlight() noexcept {
  Flight flight = std::move(At(0));
  first_++;
  flights_--;
  const Nanos now = loop_.now();
  if (flights_ > 0)
    At(0).since = now;
  else
    maybe_in_transaction_ = PQtransactionStatus(connection_) != PQTRANS_IDLE;
  Remember(flight, now);
  if (flight.cancelled) cancelled_--;

  Reply reply{.error = std::move(flight.error),
              .rows = std::move(flight.rows),
              .affected = flight.affected,
              .answered = true};
  const bool hit = hits_ > 0 && HasState(reply.error, "57014");
  if (hit) {
    hits_--;
    // Somebody else's cancel. In its own transaction it was rolled back and nobody knows of it.
    if (!flight.cancelled) reply.undone = flight.implicit;
  }
  if (flight.stale) reply.undone = true;
  if (closing_ && reply.error) reply = {.error = closing_, .answered = true};
  if (!flight.request) return;
  flight.request->state_ = Request::State::kNone;
  flight.request->OnReply(std::move(reply));
}

}  // namespace creche::pg
