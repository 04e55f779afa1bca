#include "http/call.h"

#include <new>

#include "http/h1/h1_connection.h"

namespace creche::http {

Call::Call(Client& client, Request request, bool stream, Owner* owner)
    : client_(&client), owner_(owner), state_{.request = std::move(request)} {
  if (stream) {
    stream_owned_ = std::make_unique<StreamBody>();
    stream_ = stream_owned_.get();
  }
  client.calls.PushBack(this);
}

Call::~Call() {
  Stop();
}

void Call::Start() noexcept {
  client_->counters.requests.Add();
  BeginAttempt();
}

Times Call::times() const {
  return {.started = state_.request.started,
          .connected = connected_at_,
          .sent = state_.attempt.sent_at,
          .first_byte = state_.attempt.first_byte,
          .ended = ended_};
}

// The first verdict of a layer that is not kGo.
Next Call::Ask(Hook hook) noexcept {
  try {
    for (const Layer* layer : client_->layers)
      if (const Next next = (layer->*hook)(state_); next != Next::kGo) return next;
    return Next::kGo;
  } catch (const std::bad_alloc&) {
    state_.failure = NoMemoryError();
    return Next::kFail;
  }
}

// ---- A connection ----

void Call::BeginAttempt() noexcept {
  reading_over_ = false;
  sent_any_ = sent_any();
  state_.attempt = {.phase = Phase::kPool};
  if (Ask(&Layer::OnRequest) == Next::kFail) return Fail(std::move(state_.failure));
  Acquire();
}

void Call::Acquire() noexcept {
  Client& client = *client_;
  OriginPool::Answer answer;
  try {
    answer = client.pool.Acquire(state_.request.url.origin(), state_.fresh, this);
    if (answer == OriginPool::Answer::kGiven) return;  // and much may have happened
    if (answer == OriginPool::Answer::kWaiting && state_.request.timeouts.pool != kNever) {
      pool_timer_ = std::make_unique<Timer>(
          client.loop, [](void* self) noexcept { static_cast<Call*>(self)->PoolTimeout(); }, this);
      if (!pool_timer_->Arm(After(client.loop.now(), state_.request.timeouts.pool)))
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

void Call::PoolTimeout() noexcept {
  FailWith({Status::kTimeout,
            "no connection of the session became free in time: raise limit, limit_per_host or "
            "timeouts.pool, or start fewer requests at a time"});
}

void Call::OnKept(std::unique_ptr<Connection> connection) noexcept {
  client_->counters.reuses.Add();
  state_.attempt.reused = true;
  Open(std::move(connection));
}

void Call::OnSlot(Slot slot) noexcept {
  pool_timer_.reset();
  slot_ = std::move(slot);
  Client& client = *client_;
  try {
    connector_ = MakeConnector(client.loop, client.resolver, client.tls, state_.request.url,
                               state_.request.timeouts, this);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  connector_->Start();
  client.counters.dns_lookups.Set(client.resolver.lookups());
}

void Call::OnConnectFailed(ErrorRef error) noexcept {
  state_.attempt.phase = connector_->phase();
  AttemptFailed(std::move(error));
}

void Call::OnConnected(std::unique_ptr<Transport> transport) noexcept {
  client_->counters.connects.Add();
  connector_.reset();
  std::unique_ptr<Connection> connection;
  try {
    connection =
        std::make_unique<H1Connection>(client_->io, std::move(transport), std::move(slot_));
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  Open(std::move(connection));
}

void Call::Open(std::unique_ptr<Connection> connection) noexcept {
  pool_timer_.reset();
  connection_ = std::move(connection);
  connected_at_ = client_->loop.now();
  try {
    exchange_ = connection_->Open(&state_.request, &state_.head, &state_.attempt, this);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  exchange_->Start();
}

// ---- The exchange ----

void Call::Answer(Status status, std::string piece, bool more, ErrorRef error) noexcept {
  if (!exchange_ || !exchange_->pulling()) return;
  if (status == Status::kOk) return exchange_->Answer(std::move(piece), more);
  FailWith({Status::kBody, "the request's body could not be produced"}, std::move(error));
}

BodySink* Call::OnHead(bool has_body) noexcept {
  state_.has_body = has_body;
  state_.decoder.reset();
  // What ends the call ends it in OnReceived: here the connection is in the middle of something.
  reading_over_ = Ask(&Layer::OnResponse) != Next::kGo;
  if (reading_over_) return nullptr;
  if (stream_) {
    stream_->Prepare(std::move(state_.decoder));
    return stream_;
  }
  whole_.Prepare(std::move(state_.decoder), state_.request.max_body);
  return &whole_;
}

bool Call::OnReceived() noexcept {
  if (state_.failure) return Fail(std::move(state_.failure)), false;
  if (reading_over_ || !stream_) return true;
  if (announced_) {
    owner_->OnBody();
  } else {
    announced_ = true;
    if (!owner_->OnHead()) return Fail(NoMemoryError()), false;
  }
  return exchange_ != nullptr;
}

bool Call::OnSent() noexcept {
  if (announced_) owner_->OnSent();
  return exchange_ != nullptr;
}

void Call::SetAwaited(bool awaited) noexcept {
  stream_->set_awaited(awaited);
  if (exchange_) exchange_->ReadOn();
}

void Call::OnEnd(ErrorRef error) noexcept {
  exchange_ = nullptr;
  if (reading_over_) {  // where to go is known
    Release();
    return BeginAttempt();
  }
  if (error) return AttemptFailed(std::move(error));
  Complete();
}

void Call::Release() noexcept {
  if (connection_->keep_for() > 0)
    client_->pool.Keep(std::move(connection_));
  else
    connection_.reset();
}

// ---- Ends ----

void Call::Complete() noexcept {
  ended_ = client_->loop.now();
  const Problem problem = stream_ ? Problem() : whole_.End();
  Release();
  if (problem.bad()) return FailWith(problem);
  if (stream_) stream_->End();
  Stop();
  owner_->OnEnd(nullptr);
}

void Call::AttemptFailed(ErrorRef error) noexcept {
  for (const Layer* layer : client_->layers) {
    const Next next = layer->OnFailure(state_, *error);
    if (next == Next::kGo) continue;
    if (next == Next::kFail) return Fail(std::move(state_.failure));
    client_->counters.retries.Add();
    connector_.reset();
    connection_.reset();
    slot_ = Slot();
    return BeginAttempt();
  }
  Fail(std::move(error));
}

void Call::FailWith(const Problem& problem, ErrorRef cause) noexcept {
  try {
    return Fail(MakeError({.status = problem.status,
                           .phase = phase(),
                           .message = problem.text,
                           .cause = std::move(cause)}));
  } catch (const std::bad_alloc&) {
  }
  Fail(NoMemoryError());
}

void Call::Fail(ErrorRef error) noexcept {
  ErrorRef told = WithAdvice(std::move(error));
  Stop();
  owner_->OnEnd(std::move(told));
}

void Call::Stop() noexcept {
  if (!client_) return;
  Leave();
  pool_timer_.reset();
  connector_.reset();
  if (exchange_) exchange_->Abort();
  exchange_ = nullptr;
  connection_.reset();
  slot_ = Slot();
  List<Call>::Remove(this);
  client_ = nullptr;
}

// Says where it happened, whether anything was sent, and whether it is worth and safe to try again.
ErrorRef Call::WithAdvice(ErrorRef error) const {
  const ErrorFields& fields = error->fields();
  const Status status = error->status();
  if (status == Status::kNoMemory) return error;
  const bool transient = error->retryable() || status == Status::kConnect ||
                         status == Status::kTimeout || status == Status::kDisconnected ||
                         status == Status::kTruncated || status == Status::kSystem ||
                         (status == Status::kLimit && state_.attempt.phase == Phase::kPool);
  const bool sent = sent_any();
  const bool safe = !sent || (state_.repeatable && IsIdempotent(state_.request.method));
  try {
    const std::string where(state_.request.url.authority());
    std::string message = error->message();
    if (message.find(where) == std::string::npos) message = where + ": " + message;
    return MakeError(
        {.status = status,
         .phase = error->phase() == Phase::kNone ? phase() : error->phase(),
         .message = std::move(message),
         .flags = (sent ? 0u : uint32_t{kUnsent}) | (transient && safe ? uint32_t{kRetryable} : 0u),
         .system_errno = fields.system_errno,
         .tls_verify = fields.tls_verify,
         .http_status = fields.http_status,
         .cause = fields.cause ? ErrorRef::Share(Error::Of(fields.cause)) : ErrorRef()});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::http
