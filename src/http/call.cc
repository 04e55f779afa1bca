#include "http/call.h"

#include <algorithm>
#include <new>

#include "http/recent.h"
#include "tasks/log.h"

namespace creche::http {

Call::Call(bool stream, Owner* owner) : owner_(owner) {
  if (stream) {
    stream_owned_ = std::make_unique<StreamBody>();
    stream_ = stream_owned_.get();
  }
}

Call::~Call() {
  Stop();
}

void Call::Start(Calls& calls) noexcept {
  calls_ = &calls;
  state_.held = this;
  calls.under_way.PushBack(this);
  calls.counters.requests.Add();
  if (watch()) watch()->Started(state_.request);
  BeginAttempt();
}

Times Call::times() const {
  return {.started = state_.request.started,
          .connected = connected_at_,
          .sent = state_.attempt.sent_at,
          .first_byte = state_.attempt.first_byte == 0
                            ? 0
                            : std::max(state_.attempt.first_byte, connected_at_),
          .ended = ended_};
}

// The first verdict of a layer that is not kGo. After kFail there is a failure, whatever the layer
// has said: without one the call would go on as after kAgain, for ever.
template <class Hook>
Next Call::Ask(const Layers::Asked& layers, Hook hook) noexcept {
  Next next = Next::kGo;
  try {
    for (const Layer* layer : layers)
      if (next = hook(*layer, state_); next != Next::kGo) break;
  } catch (const std::bad_alloc&) {
    state_.failure = NoMemoryError();
    next = Next::kFail;
  }
  if (next == Next::kFail && !state_.failure)
    state_.failure = MakeError(Status::kInternal, phase(), "a layer has not said why it fails");
  return next;
}

// ---- A connection ----

void Call::BeginAttempt() noexcept {
  timer_.reset();
  reading_over_ = false;
  sent_any_ = sent_any();
  // Some of it may have been produced, though nothing was sent.
  if (state_.attempt.phase != Phase::kNone) state_.request.body.Rewind();
  state_.body_gone = state_.body_gone || state_.attempt.pulled;
  state_.attempt = {.phase = Phase::kPool};
  const Next next =
      Ask(calls_->layers.request, [](auto& layer, auto& call) { return layer.OnRequest(call); });
  if (next == Next::kFail) return Fail(std::move(state_.failure));
  // A layer wanted another attempt before more of it was asked for.
  if (state_.body_gone && state_.request.body.gone_once_pulled())
    return FailWith({Status::kBody, "the request's body was pulled and cannot be sent again"});
  if (next == Next::kHold) {
    state_.attempt.phase = std::exchange(state_.hold_phase, Phase::kLimit);
    if (state_.undecided) AskBeforeRequest();
    return;
  }
  state_.decided = false;
  tries_++;
  Reserve();
}

void Call::GoOn() noexcept {
  state_.hold.reset();
  state_.passed = true;
  BeginAttempt();
}

void Call::Reserve() noexcept {
  Calls& calls = *calls_;
  const Request& request = state_.request;
  Pool::Answer answer;
  try {
    answer = calls.pool.Reserve(calls.RouteOf(request), request.timeouts, state_.fresh, this);
    if (answer == Pool::Answer::kGiven) return;  // and much may have happened
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  if (answer == Pool::Answer::kWaiting && watch()) watch()->Queued();
  if (answer == Pool::Answer::kWaiting && request.timeouts.pool != kNever)
    return SetTimer(After(calls.loop.now(), request.timeouts.pool));
  if (answer == Pool::Answer::kFull)
    FailWith({Status::kLimit,
              "too many requests wait for a connection: raise max_waiting or limit, or start fewer "
              "at a time"});
}

void Call::SetTimer(Nanos at) noexcept {
  try {
    timer_ = std::make_unique<Timer>(
        calls_->loop, [](void* self) noexcept { static_cast<Call*>(self)->OnTimer(); }, this);
    if (timer_->Arm(at)) return;
  } catch (const std::bad_alloc&) {
  }
  Fail(NoMemoryError());
}

void Call::OnTimer() noexcept {
  if (!waiting()) return BeginAttempt();
  FailWith({Status::kTimeout,
            "no connection of the session became free in time: raise limit, limit_per_host or "
            "timeouts.pool, or start fewer requests at a time"});
}

// Another attempt: at once, or when a layer says.
void Call::Again() noexcept {
  reservation_.GiveBack();
  if (watch() && !state_.redirected) watch()->Again();
  if (state_.again_at > calls_->loop.now()) return SetTimer(std::exchange(state_.again_at, 0));
  state_.again_at = 0;
  BeginAttempt();
}

void Call::OnOpening() noexcept {
  timer_.reset();
  if (watch()) watch()->Opening();
}

void Call::OnOpenFailed(Phase phase, ErrorRef error) noexcept {
  if (watch()) watch()->OpenFailed(error);
  state_.attempt.phase = phase;
  AttemptFailed(std::move(error));
}

void Call::OnReserved(Reservation reservation, bool reused) noexcept {
  timer_.reset();
  reservation_ = std::move(reservation);
  state_.attempt.reused = reused;
  if (watch()) watch()->Reserved(reused, reservation_.connection().info().get());
  connected_at_ =
      reused ? std::max(Recent(calls_->loop), state_.request.started) : calls_->loop.now();
  try {
    exchange_ =
        reservation_.connection().Open(&state_.request, &state_.head, &state_.attempt, this);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  exchange_->Start();
}

// ---- The exchange ----

void Call::Answer(Status status, std::string piece, bool more, ErrorRef error) noexcept {
  if (!exchange_ || !exchange_->pulling()) return;
  if (status == Status::kOk) return Give(std::move(piece), more);
  FailWith({Status::kBody, "the request's body could not be produced"}, std::move(error));
}

bool Call::OnPull(uint64_t hint) noexcept {
  BodyProducer* const producer = state_.request.body.producer();
  return producer ? producer->Produce(this) : owner_->OnPull(hint);
}

void Call::OnPiece(ErrorRef error, std::string piece, bool more) noexcept {
  if (!exchange_ || !exchange_->pulling()) return;
  if (error) return Fail(std::move(error));
  Give(std::move(piece), more);
}

void Call::Give(std::string piece, bool more) noexcept {
  Problem problem;
  try {
    problem = state_.request.body.Encode(&piece, more);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  if (problem.bad()) return FailWith(problem);
  exchange_->Answer(std::move(piece), more);
}

BodySink* Call::OnHead(bool has_body) noexcept {
  state_.has_body = has_body;
  if (watch()) watch()->HeadCame(state_.head);
  state_.decoder.reset();
  if (calls_->turns) {
    bool waits = false;
    if (BodySink* const held = AskAtHead(&waits); waits) return held;
  }
  return WhereTo();
}

// Asks the layers about the head. What ends the call ends it in OnReceived: here the connection may
// be in the middle of something.
BodySink* Call::WhereTo() noexcept {
  if (state_.request.retry_policy) AskAboutTime();
  reading_over_ = Ask(calls_->layers.response,
                      [](auto& layer, auto& call) { return layer.OnResponse(call); }) != Next::kGo;
  if (state_.retry_denied) LogDenied(nullptr);
  if (reading_over_) return nullptr;
  if (state_.request.fail_on_status && state_.head.status >= 400) {
    refused_.reset(new (std::nothrow) RefusedBody(std::move(state_.decoder)));
    if (!refused_) state_.failure = NoMemoryError();
    return refused_.get();
  }
  if (stream_) {
    stream_->Prepare(std::move(state_.decoder));
    return stream_;
  }
  whole_.Prepare(std::move(state_.decoder), state_.request.max_body);
  return &whole_;
}

bool Call::OnReceived() noexcept {
  if (asks_about_answer()) return true;
  if (state_.failure) return Fail(std::move(state_.failure)), false;
  if (watch()) watch()->Received(state_.attempt.body_bytes);
  if (reading_over_ || refused_ || !stream_) return true;
  if (announced_) {
    owner_->OnBody();
  } else {
    announced_ = true;
    if (!owner_->OnHead()) return Fail(NoMemoryError()), false;
  }
  return exchange_ != nullptr;
}

Call::Upgraded Call::Upgrade() {
  Upgraded upgraded;
  upgraded.transport = exchange_->Upgrade(&upgraded.rest);
  upgraded.counted = connection() && connection()->http_major == 2;
  exchange_ = nullptr;
  upgraded.reservation = std::move(reservation_);
  if (watch()) watch()->Ended(Status::kOk, nullptr);
  Stop();
  return upgraded;
}

bool Call::OnSent() noexcept {
  if (announced_) owner_->OnSent();
  return exchange_ != nullptr;
}

void Call::SetAwaited(size_t capacity) noexcept {
  stream_->set_awaited(capacity);
  if (exchange_) exchange_->ReadOn();
}

void Call::OnEnd(ErrorRef error) noexcept {
  exchange_ = nullptr;
  if (asks_about_answer()) {
    turn_->ended = true;
    turn_->error = std::move(error);
    return;
  }
  if (state_.failure) return Fail(std::move(state_.failure));  // a layer's, at the head
  if (reading_over_) {
    if (turn_ && turn_->answer) return AfterAnswer();
    if (state_.fresh) calls_->counters.retries.Add();
    if (state_.fresh || state_.again_at != 0) LogRetry(nullptr);
    return Again();
  }
  if (refused_) return FailWithStatus();
  if (error) return AttemptFailed(std::move(error));
  Complete();
}

// ---- Ends ----

void Call::Complete() noexcept {
  const Attempt& attempt = state_.attempt;
  ended_ = std::max({Recent(calls_->loop), connected_at_, attempt.sent_at, attempt.first_byte});
  const Problem problem = stream_ ? Problem() : whole_.End();
  Timings& timings = calls_->counters.timings;
  // An answer may be whole before all was sent.
  if (attempt.sent_at != 0) timings.first_byte.Add(attempt.first_byte - attempt.sent_at);
  timings.total.Add(ended_ - state_.request.started);
  reservation_.GiveBack();
  if (problem.bad()) return FailWith(problem);
  if (watch()) watch()->Received(attempt.body_bytes), watch()->Ended(Status::kOk, nullptr);
  if (stream_) stream_->End();
  Stop();
  owner_->OnEnd(nullptr);
}

// What a retry policy is to know.
void Call::AskAboutTime() noexcept {
  state_.now = calls_->loop.now();
  state_.announced = announced_;
  state_.deadline = announced_ ? kNever : owner_->Deadline();
}

void Call::FailWithStatus() noexcept {
  try {
    const int status = state_.head.status;
    Fail(MakeError({.status = Status::kHttpStatus,
                    .phase = Phase::kHeaders,
                    .message = std::string(state_.request.url.shown()) +
                               ": the server answered with status " + std::to_string(status),
                    .http_status = static_cast<uint32_t>(status),
                    .http_body = refused_->Take()}));
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

void Call::AttemptFailed(ErrorRef error) noexcept {
  if (calls_->turns && AskAfterFailure(error)) return;
  AskLayersOf(std::move(error));
}

void Call::AskLayersOf(ErrorRef error) noexcept {
  if (state_.request.retry_policy) AskAboutTime();
  const Next next = Ask(calls_->layers.failure,
                        [&](auto& layer, auto& call) { return layer.OnFailure(call, *error); });
  if (state_.retry_denied) LogDenied(error.get());
  if (next == Next::kGo) return Fail(std::move(error));
  if (next == Next::kFail) return Fail(std::move(state_.failure));
  if (state_.fresh) calls_->counters.retries.Add();
  LogRetry(error.get());
  Again();
}

// error: null: the answer is why.
void Call::LogRetry(const Error* error) noexcept {
  tasks::Log(calls_->loop, tasks::LogLevel::kInfo, tasks::LogEvent::kRetry, 0,
             "a request is made again",
             [&](tasks::LogRecord* record) { AddAttempt(error, record); });
}

void Call::LogDenied(const Error* error) noexcept {
  state_.retry_denied = false;
  tasks::Log(calls_->loop, tasks::LogLevel::kWarn, tasks::LogEvent::kRetryDenied, 0,
             "a request is not made again: the session's budget for retries is used up",
             [&](tasks::LogRecord* record) { AddAttempt(error, record); });
}

void Call::AddAttempt(const Error* error, tasks::LogRecord* record) const {
  if (state_.attempts > 0) record->Add("attempt", int64_t{state_.attempts});
  if (error)
    record->AddError(*error);
  else
    record->Add("http_status", int64_t{state_.head.status});
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
  if (watch()) watch()->Ended(told->status(), told);
  Stop();
  owner_->OnEnd(std::move(told));
}

void Call::Stop() noexcept {
  if (!calls_) return;
  if (watch()) watch()->Ended(Status::kCancelled, nullptr);
  Cancel();
  timer_.reset();
  state_.hold.reset();
  DropTurn();
  if (exchange_) exchange_->Abort();
  exchange_ = nullptr;
  reservation_.GiveBack();
  List<Call>::Remove(this);
  calls_ = nullptr;
}

}  // namespace creche::http
