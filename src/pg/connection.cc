#include "pg/connection.h"

#include <libpq-fe.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "pg/server_error.h"

namespace creche::pg {

namespace {

// Names of prepared statements are unique among all sessions of all clients: a pooler may mix them.
std::string RandomPrefix() {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  thread_local std::mt19937_64 random{std::random_device{}()};
  uint64_t number = random();
  std::string prefix = "c";
  for (int i = 0; i < 8; i++, number /= 36) prefix += kDigits[number % 36];
  return prefix + "_";
}

}  // namespace

Connection::Connection(Loop& loop, Owner& owner, PGconn* connection, const Settings& settings,
                       History& history, Counters& counters)
    : loop_(loop),
      owner_(owner),
      connection_(connection),
      settings_(settings),
      history_(history),
      counters_(counters),
      cache_(RandomPrefix(), settings.prepare ? settings.statement_cache : 0),
      timer_(loop, OnTimer, this),
      born_(loop.now()),
      ring_(std::bit_ceil(settings.depth + 1)) {
  PQsetNoticeReceiver(connection_, OnNotice, this);
}

Connection::~Connection() {
  if (cancel_) cancel_->Forget();
  watch_.Stop();
  // A broken link must not make PQfinish wait for its farewell to be sent.
  if (lost_ && PQsocket(connection_) >= 0) shutdown(PQsocket(connection_), SHUT_RDWR);
  PQfinish(connection_);
}

bool Connection::Start() noexcept {
  return watch_.Start(loop_.reactor(), PQsocket(connection_), platform::kRead, OnReady, this) == 0;
}

bool Connection::standby() const noexcept {
  const char* value = PQparameterStatus(connection_, "in_hot_standby");
  return value && std::strcmp(value, "on") == 0;
}

void Connection::OnNotice(void* self, const PGresult* result) {
  // What arrives as a notice although it is an error comes unasked: the server is about to close.
  const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity && std::strcmp(severity, "FATAL") == 0)
    static_cast<Connection*>(self)->last_words_ = ServerError(result, Phase::kQuery);
}

void Connection::Submit(Request* request) noexcept {
  if (lost_) return request->OnReply({.error = last_words_, .unsent = true});
  request->state_ = Request::State::kQueued;
  request->next_ = nullptr;
  request->prev_ = queue_last_;
  (queue_last_ ? queue_last_->next_ : queue_first_) = request;
  queue_last_ = request;
  queued_++;
  Advance();
}

void Connection::Unlink(Request* request) noexcept {
  (request->prev_ ? request->prev_->next_ : queue_first_) = request->next_;
  (request->next_ ? request->next_->prev_ : queue_last_) = request->prev_;
  request->next_ = request->prev_ = nullptr;
  request->state_ = Request::State::kNone;
  queued_--;
}

void Connection::Advance() noexcept {
  while (queue_first_ && !lost_ && !frozen_ && flights_ < settings_.depth) {
    Request* request = queue_first_;
    // Streams and scripts have the connection to themselves.
    if (flights_ > 0 &&
        (request->shape_ != Request::Shape::kRows || At(0).shape != Request::Shape::kRows))
      return;
    Unlink(request);
    if (!Send(request)) return;
  }
}

bool Connection::Send(Request* request) noexcept {
  Flight& flight = At(flights_);
  flight = Flight{};
  flight.request = request;
  flight.shape = request->shape_;
  flight.max_bytes = request->max_bytes_;
  flight.implicit = !maybe_in_transaction_;
  flight.added = cache_.last() + 1;

  bool sent;
  if (flight.shape == Request::Shape::kScript) {
    sent =
        PQexitPipelineMode(connection_) && PQsendQuery(connection_, request->statements_[0]->sql());
    flight.steps = 1;
    maybe_in_transaction_ = true;
    dirty_ = true;
  } else {
    sent = true;
    for (size_t i = 0; sent && i < request->count_; i++)
      sent = SendStatement(&flight, *request->statements_[i], request->prepare_);
    if (flight.shape == Request::Shape::kRows) flight.hash = request->statements_[0]->hash();
    sent = sent && SendSync();
    // Not PQsetChunkedRowsMode, which saves a little in libpq 17: rows that have come would wait
    // for their chunk to fill up, however long that takes, and be thrown away if an error comes
    // first.
    if (flight.shape == Request::Shape::kStream) sent = sent && PQsetSingleRowMode(connection_);
  }
  if (!sent) {
    // Too many parameters, no memory, or the connection is broken. There may be half a request in
    // libpq's buffer, so that this one cannot go on.
    ErrorRef why;
    try {
      why = MakeError(ErrorInfo{.status = Status::kDisconnected,
                                .phase = Phase::kSend,
                                .message = "cannot send: " + OneLine(PQerrorMessage(connection_)),
                                .flags = kUnsent});
    } catch (const std::bad_alloc&) {
      why = NoMemoryError();
    }
    Lose(why);
    request->OnReply({.error = why, .unsent = true});
    return false;
  }
  request->state_ = Request::State::kSent;
  counters_.statements.Add();
  if (flights_ > 0)
    counters_.pipelined.Add();
  else
    flight.since = loop_.now();
  flights_++;
  Flush();
  return true;
}

bool Connection::SendStatement(Flight* flight, const Statement& s, bool prepare) noexcept {
  if (s.verb() == Verb::kTransaction) maybe_in_transaction_ = true;
  const bool stream = flight->shape == Request::Shape::kStream;
  prepare = prepare && settings_.prepare;
  const char* name = prepare ? cache_.Find(s) : nullptr;
  // What is run for the second time is worth to be prepared. A stream is not: its first answer must
  // be that of its rows.
  if (!name && prepare && !stream && history_.Touch(s.hash()) && (name = cache_.Add(s))) {
#if CRECHE_HAVE_PQSENDPIPELINESYNC
    // libpq 17 can close by name, also in a transaction that has failed.
    const size_t unused = std::min<size_t>(cache_.unused().size(), 4);
    for (size_t i = 0; i < unused && flight->steps < 24; i++) {
      if (!PQsendClosePrepared(connection_, cache_.unused()[i].c_str())) return false;
      flight->closes |= 1u << flight->steps++;
    }
    cache_.UnusedClosed(unused);
#endif
    if (!PQsendPrepare(connection_, name, s.sql(), s.count(), s.types())) return false;
    flight->parses |= 1u << flight->steps++;
    counters_.prepares.Add();
  }
  flight->steps++;
  constexpr int kBinary = 1;
  return name ? PQsendQueryPrepared(connection_, name, s.count(), s.values(), s.lengths(),
                                    s.formats(), kBinary)
              : PQsendQueryParams(connection_, s.sql(), s.count(), s.types(), s.values(),
                                  s.lengths(), s.formats(), kBinary);
}

bool Connection::SendSync() noexcept {
#if CRECHE_HAVE_PQSENDPIPELINESYNC
  return PQsendPipelineSync(connection_);
#else
  return PQpipelineSync(connection_);
#endif
}

void Connection::Flush() noexcept {
  const int pending = PQflush(connection_);
  if (pending < 0) return;  // the reader will see why
  if (flushing_ == (pending > 0)) return;
  flushing_ = pending > 0;
  UpdateInterest();
}

void Connection::UpdateInterest() noexcept {
  if (lost_) return;
  // While there is something to send the server must be read, too: it may be blocked by us.
  unsigned interest = paused_ && !flushing_ ? platform::kNothing : platform::kRead;
  if (flushing_) interest |= platform::kWrite;
  if (watch_.Set(interest) != 0) Lose(NoMemoryError());
}

void Connection::Pause(bool pause) noexcept {
  if (paused_ == pause) return;
  paused_ = pause;
  UpdateInterest();
  // libpq may hold rows that were read before.
  if (!paused_ && !reading_ && !lost_) {
    Drain();
    if (!lost_) owner_.OnProgress(this);
  }
}

void Connection::Lose(const ErrorRef& why) noexcept {
  if (lost_) return;
  lost_ = true;
  watch_.Stop();
  timer_.Disarm();
  if (cancel_) cancel_->Forget();
  cancel_ = nullptr;
  if (!last_words_) last_words_ = why;
  for (; flights_ > 0; flights_--) {
    Flight flight = std::move(At(0));
    first_++;
    if (!flight.request) continue;
    flight.request->state_ = Request::State::kNone;
    // An error of the server's that arrived says more than the loss.
    flight.request->OnReply({.error = flight.error ? flight.error : why});
  }
  while (Request* request = queue_first_) {
    Unlink(request);
    request->OnReply({.error = why, .unsent = true});
  }
  owner_.OnLost(this, why);
}

void Connection::BeginClose(const ErrorRef& why) noexcept {
  if (lost_ || closing_) return;
  closing_ = why;
  frozen_ = true;
  while (Request* request = queue_first_) {
    Unlink(request);
    request->OnReply({.error = why});
  }
  paused_ = false;
  UpdateInterest();
  for (size_t i = 0; i < flights_; i++) CancelFlight(&At(i));
  StepCancel();
}

}  // namespace creche::pg
