#include "http/exchange.h"

#include <charconv>
#include <new>

#include "http/session.h"

namespace creche::http {

namespace {

// How much of a redirect's body is read to keep the connection.
constexpr uint64_t kMaxDiscarded = 64 << 10;
// About what fits into a socket's buffer at once.
constexpr uint64_t kPullHint = 64 << 10;
// So that one fast server does not keep all others waiting.
constexpr int kReadsAtATime = 4;

ErrorRef Plain(const Problem& problem, Phase phase, ErrorRef cause = {}) {
  return MakeError({.status = problem.status,
                    .phase = phase,
                    .message = problem.text,
                    .cause = std::move(cause)});
}

}  // namespace

Exchange::Exchange(Client& client, Request request, bool stream, Owner* owner)
    : client_(&client), request_(std::move(request)), owner_(owner) {
  if (stream) {
    stream_owned_ = std::make_unique<StreamBody>();
    stream_ = stream_owned_.get();
  }
  times_.started = request_.started;
  client.Add(this);
}

Exchange::~Exchange() {
  Stop();
}

// ---- A connection ----

void Exchange::Start() noexcept {
  client_->counters.requests.Add();
  Begin(false);
}

void Exchange::Begin(bool fresh) noexcept {
  phase_ = Phase::kPool;
  use_ = Use::kUndecided;
  problem_ = {};
  send_error_ = {};
  Client& client = *client_;
  OriginPool::Answer answer;
  try {
    answer = client.pool.Acquire(request_.url.origin(), fresh, this);
    if (answer == OriginPool::Answer::kGiven) return;  // and much may have happened
    if (answer == OriginPool::Answer::kWaiting && request_.timeouts.pool != kNever) {
      pool_timer_ = std::make_unique<Timer>(
          client.loop, [](void* self) noexcept { static_cast<Exchange*>(self)->PoolTimeout(); },
          this);
      if (!pool_timer_->Arm(After(client.loop.now(), request_.timeouts.pool)))
        Fail(NoMemoryError());
    }
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  if (answer == OriginPool::Answer::kFull)
    FailWith({Status::kLimit,
              "too many requests wait for a connection: raise max_waiting or limit, or start fewer "
              "at a time"});
}

void Exchange::PoolTimeout() noexcept {
  FailWith({Status::kTimeout,
            "no connection of the session became free in time: raise limit, limit_per_host or "
            "timeouts.pool, or start fewer requests at a time"});
}

void Exchange::OnKept(std::unique_ptr<Connection> connection) noexcept {
  client_->counters.reuses.Add();
  reused_ = true;
  Attach(std::move(connection));
}

void Exchange::OnSlot(Slot slot) noexcept {
  pool_timer_.reset();
  reused_ = false;
  slot_ = std::move(slot);
  Client& client = *client_;
  try {
    connector_ = std::make_unique<Connector>(client.loop, client.resolver,
                                             request_.url.https() ? &client.tls : nullptr,
                                             static_cast<Connector::Listener*>(this));
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  connector_->Start(request_.url, request_.timeouts);
  client.counters.dns_lookups.Set(client.resolver.lookups());
}

void Exchange::OnConnectFailed(ErrorRef error) noexcept {
  phase_ = connector_->phase();
  Fail(std::move(error));
}

void Exchange::OnConnected(std::unique_ptr<Stream> stream) noexcept {
  client_->counters.connects.Add();
  connector_.reset();
  std::unique_ptr<Connection> connection;
  try {
    connection = std::make_unique<Connection>(client_->loop, std::move(stream), std::move(slot_));
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  Attach(std::move(connection));
}

void Exchange::Attach(std::unique_ptr<Connection> connection) noexcept {
  pool_timer_.reset();
  connection_ = std::move(connection);
  connection_->set_user(this);
  times_.connected = client_->loop.now();
  connection_->parser().Begin(request_.head(), client_->settings.max_header_bytes, &head_, this);
  try {
    std::string& head = client_->head;
    head.clear();
    WriteHead({request_.method, request_.url, request_.headers, client_->settings.headers,
               client_->settings.user_agent, request_.decode, request_.withheld, request_.framing,
               request_.body_size},
              &head);
    upload_.Begin(request_, head);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  phase_ = Phase::kSend;
  Send();
}

// ---- Sending ----

// Sends what there is to send.
void Exchange::Send() noexcept {
  const uint64_t before = upload_.sent();
  Upload::Step step;
  try {
    step = upload_.Write(&connection_->stream());
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  client_->counters.bytes_sent.Add(upload_.sent() - before);
  sent_any_ = sent_any_ || upload_.sent() > 0;
  const bool answering = connection_->parser().head_done();
  switch (step) {
    case Upload::Step::kDone:
      times_.sent = client_->loop.now();
      if (answering) return;
      phase_ = Phase::kHeaders;
      return connection_->timer().Set(After(times_.sent, request_.timeouts.first_byte));
    case Upload::Step::kBlocked:
      return SetTimer(request_.timeouts.send);
    case Upload::Step::kPull:
      connection_->timer().Clear();  // the user's time, not the server's
      if (!owner_->OnPull(kPullHint)) Fail(NoMemoryError());
      return;
    case Upload::Step::kFailed:
      // A server that refuses a request may answer, close, and never read the rest.
      send_error_ = connection_->stream().Failure(Phase::kSend);
      return OnReadable();
  }
}

void Exchange::OnWritable() noexcept {
  if (!send_error_ && !upload_.done() && !upload_.pulling()) Send();
}

void Exchange::Answer(Status status, std::string piece, bool more, ErrorRef error) noexcept {
  if (!client_ || !connection_ || !upload_.pulling()) return;
  if (status != Status::kOk)
    return FailWith({Status::kBody, "the request's body could not be produced"}, std::move(error));
  Problem problem;
  try {
    problem = upload_.Add(std::move(piece), more);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  if (problem.bad()) return FailWith(problem);
  Send();
}

// ---- Receiving ----

void Exchange::OnReadable() noexcept {
  bool more = true;
  for (int i = 0; more && i < kReadsAtATime; i++)
    if (!ReadOnce(&more)) return;
}

// Receives once. False: it is over with this connection, and perhaps with this exchange.
bool Exchange::ReadOnce(bool* more) noexcept {
  Client& client = *client_;
  ResponseParser& parser = connection_->parser();
  char* into = client.scratch.get();
  size_t room = Client::kScratch;
  if (use_ == Use::kAnswer && !stream_ &&
      parser.framing() == ResponseParser::BodyFraming::kLength) {
    // The rest of a large body goes where it is to stay.
    const uint64_t left = parser.content_length() - parser.body_bytes();
    size_t direct_room = 0;
    char* direct = left > room ? whole_.Room(left, &direct_room) : nullptr;
    if (direct) {
      into = direct;
      room = direct_room;
    }
  }
  *more = false;
  const IoResult result = connection_->stream().Read(into, room);
  switch (result.state) {
    case Io::kOk: {
      client.counters.bytes_received.Add(result.size);
      if (!parser.started()) times_.first_byte = client.loop.now();
      *more = result.size == room;
      size_t used = 0;
      const ResponseParser::Verdict verdict = parser.Feed(into, result.size, &used);
      return Took(verdict, used < result.size);
    }
    case Io::kLater:
      if (!send_error_) return true;
      Broken(std::move(send_error_));
      return false;
    case Io::kEnd:
    case Io::kTruncated:
      return Took(parser.Finish(result.state == Io::kEnd), false);
    case Io::kFailed:
      break;
  }
  Broken(connection_->stream().Failure(phase_));
  return false;
}

// Of the parser: the final head is there.
void Exchange::OnHead() noexcept {
  phase_ = Phase::kBody;
  const ResponseParser& parser = connection_->parser();
  no_body_ =
      parser.framing() == ResponseParser::BodyFraming::kNone ||
      (parser.framing() == ResponseParser::BodyFraming::kLength && parser.content_length() == 0);
  if (request_.IsRedirected(head_)) {
    use_ = Use::kDiscard;
    return;
  }
  use_ = Use::kAnswer;
  try {
    auto decoder = request_.decode && !no_body_ ? MakeDecoder(head_) : nullptr;
    if (stream_) {
      stream_->Begin(std::move(decoder));
    } else {
      problem_ = whole_.Begin(std::move(decoder), request_.max_body, parser.content_length());
    }
  } catch (const std::bad_alloc&) {
    problem_ = {Status::kNoMemory, "no memory to decode the body"};
  }
}

// Of the parser: bytes of the body.
void Exchange::OnBody(const char* data, size_t size) noexcept {
  if (use_ == Use::kDiscard || problem_.bad()) return;
  if (!stream_) {
    problem_ = whole_.Append(data, size);
  } else if (!stream_->Append(data, size)) {
    problem_ = {Status::kNoMemory, "no memory for the body"};
  }
}

// Acts on what the parser made of the last bytes. leftover: they held more than this response.
// Returns as ReadOnce does.
bool Exchange::Took(ResponseParser::Verdict verdict, bool leftover) noexcept {
  ResponseParser& parser = connection_->parser();
  if (problem_.bad()) return FailWith(problem_), false;
  if (verdict == ResponseParser::Verdict::kFailed && use_ != Use::kAnswer) return ParserFailed();
  if (use_ == Use::kDiscard) {
    if (verdict == ResponseParser::Verdict::kMore && parser.body_bytes() <= kMaxDiscarded) {
      SetTimer(request_.timeouts.read_gap);
      return true;
    }
    if (verdict == ResponseParser::Verdict::kDone) {
      ReleaseConnection(leftover);
    } else {
      connection_.reset();
    }
    return FollowRedirect(), false;
  }
  if (use_ == Use::kAnswer) {
    body_bytes_ = parser.body_bytes();
    if (stream_ && !announced_) {
      announced_ = true;
      if (!owner_->OnHead()) return Fail(NoMemoryError()), false;
    }
    if (verdict == ResponseParser::Verdict::kFailed) return ParserFailed();
    if (verdict == ResponseParser::Verdict::kDone) return Finished(leftover), false;
    if (!stream_) {
      SetTimer(request_.timeouts.read_gap);
      return true;
    }
    if (stream_->readable()) owner_->OnBody();
    if (!client_) return false;
    if (waiting_) {
      SetTimer(request_.timeouts.read_gap);
    } else {
      connection_->timer().Clear();
    }
    if (stream_->full()) {
      connection_->stream().PauseReading();
      connection_->timer().Clear();
      paused_ = true;
      return false;
    }
    return true;
  }
  if (parser.started() && upload_.done()) SetTimer(request_.timeouts.read_gap);
  return true;
}

bool Exchange::ParserFailed() noexcept {
  const ResponseParser& parser = connection_->parser();
  if (use_ == Use::kDiscard) {  // where to go is known
    connection_.reset();
    FollowRedirect();
  } else if (!parser.started() && parser.problem().status == Status::kDisconnected) {
    Broken(Plain(parser.problem(), phase_));
  } else {
    FailWith(parser.problem());
  }
  return false;
}

void Exchange::SetWaiting(bool waiting) noexcept {
  waiting_ = waiting;
  if (!connection_) return;
  if (waiting) {
    SetTimer(request_.timeouts.read_gap);
  } else {
    connection_->timer().Clear();
  }
  if (!paused_ || !stream_->low()) return;
  paused_ = false;
  if (ErrorRef error = connection_->stream().ResumeReading()) Fail(std::move(error));
}

// ---- Ends ----

void Exchange::Finished(bool leftover) noexcept {
  times_.ended = client_->loop.now();
  const Problem problem = stream_ ? Problem() : whole_.End();
  ReleaseConnection(leftover);
  if (problem.bad()) return FailWith(problem);
  if (stream_) stream_->End();
  Stop();
  owner_->OnEnd(nullptr);
}

// The response is complete: keeps the connection if both sides may use it again.
void Exchange::ReleaseConnection(bool leftover) noexcept {
  const bool keep = connection_->parser().keep_alive() && !leftover && upload_.done();
  const Nanos keep_for = keep ? KeepFor() : 0;
  if (keep_for > 0) {
    client_->pool.Keep(std::move(connection_), keep_for);
  } else {
    connection_.reset();
  }
}

// How long the server promises to keep the connection, with some distance.
Nanos Exchange::KeepFor() const {
  for (const HeaderList* list : {&request_.headers, &client_->settings.headers}) {
    std::string_view options = list->Find(Known::kConnection);
    std::string_view option;
    while (NextElement(&options, &option))
      if (SameName(option, "close")) return 0;
  }
  static constexpr std::string_view kTimeout = "timeout=";
  std::string_view hints = head_.Find(Known::kKeepAlive);
  std::string_view hint;
  while (NextElement(&hints, &hint)) {
    if (hint.size() <= kTimeout.size() || !SameName(hint.substr(0, kTimeout.size()), kTimeout))
      continue;
    uint32_t seconds = 0;
    const char* end = hint.data() + hint.size();
    const auto [p, e] = std::from_chars(hint.data() + kTimeout.size(), end, seconds);
    if (e == std::errc() && p == end) return seconds * kSecond / 4 * 3;
  }
  return kNever;
}

void Exchange::FollowRedirect() noexcept {
  safe_ = safe_ && IsIdempotent(request_.method);
  try {
    if (auto r = request_.Redirect(head_); !r.ok()) return Fail(r.error());
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  retried_ = false;
  Begin(false);
}

// The connection is dead. If it was a kept one that may have died before the request came, and
// nothing can happen twice, the request goes over a new one.
void Exchange::Broken(ErrorRef error) noexcept {
  const ResponseParser& parser = connection_->parser();
  const bool again = request_.retry && reused_ && !retried_ && !parser.started() &&
                     !upload_.pulled_any() && !upload_.pulling() &&
                     (upload_.sent() == 0 || IsIdempotent(request_.method));
  if (again) {
    client_->counters.retries.Add();
    retried_ = true;
    connection_.reset();
    return Begin(true);
  }
  if (parser.head_done() && error->status() == Status::kDisconnected) {
    return FailWith({Status::kTruncated, "the connection broke inside the body"}, std::move(error));
  }
  Fail(std::move(error));
}

void Exchange::FailWith(const Problem& problem, ErrorRef cause) noexcept {
  try {
    Fail(Plain(problem, phase_, std::move(cause)));
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

void Exchange::Fail(ErrorRef error) noexcept {
  ErrorRef explained = Explain(std::move(error));
  Stop();
  owner_->OnEnd(std::move(explained));
}

void Exchange::Abort() noexcept {
  Stop();
}

void Exchange::Stop() noexcept {
  if (!client_) return;
  Leave();
  pool_timer_.reset();
  connector_.reset();
  connection_.reset();
  slot_ = Slot();
  client_->Remove(this);
  client_ = nullptr;
}

// Says where it happened, whether anything was sent, and whether it is worth and safe to try again.
ErrorRef Exchange::Explain(ErrorRef error) const {
  const ErrorFields& fields = error->fields();
  const Status status = error->status();
  if (status == Status::kNoMemory) return error;
  const bool transient = error->retryable() || status == Status::kConnect ||
                         status == Status::kTimeout || status == Status::kDisconnected ||
                         status == Status::kTruncated || status == Status::kSystem ||
                         (status == Status::kLimit && phase_ == Phase::kPool);
  const bool safe = !sent_any_ || (safe_ && IsIdempotent(request_.method));
  try {
    const std::string where(request_.url.authority());
    std::string message = error->message();
    if (message.find(where) == std::string::npos) message = where + ": " + message;
    return MakeError(
        {.status = status,
         .phase = error->phase() == Phase::kNone ? phase() : error->phase(),
         .message = std::move(message),
         .flags =
             (sent_any_ ? 0u : uint32_t{kUnsent}) | (transient && safe ? uint32_t{kRetryable} : 0u),
         .system_errno = fields.system_errno,
         .tls_verify = fields.tls_verify,
         .http_status = fields.http_status,
         .cause = fields.cause ? ErrorRef::Share(Error::Of(fields.cause)) : ErrorRef()});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void Exchange::SetTimer(Nanos timeout) noexcept {
  connection_->timer().Set(After(client_->loop.now(), timeout));
}

void Exchange::OnTimeout() noexcept {
  const char* text = "the next part of the body did not come in time: raise timeouts.read_gap";
  if (phase_ == Phase::kSend) {
    text = "the server did not take the request in time: raise timeouts.send";
  } else if (phase_ == Phase::kHeaders) {
    text = connection_->parser().started()
               ? "the head of the answer did not come to its end in time: raise timeouts.read_gap"
               : "no answer came in time: raise timeouts.first_byte";
  }
  FailWith({Status::kTimeout, text});
}

}  // namespace creche::http
