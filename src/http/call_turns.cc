// Call: what a session's middleware is asked about it, and what becomes of it then.
#include <algorithm>
#include <new>

#include "http/call.h"

namespace creche::http {

namespace {

// Fields as C has them: their texts lie in one block, each with a NUL.
class Shown {
 public:
  template <class Fields>
  explicit Shown(const Fields& of) {
    size_t size = 0;
    for (size_t i = 0; i < of.size(); i++) size += of.at(i).name.size() + of.at(i).value.size() + 2;
    texts_.reserve(size);
    for (size_t i = 0; i < of.size(); i++) {
      const char* const name = texts_.data() + texts_.size();
      texts_.append(of.at(i).name).push_back('\0');
      const char* const value = texts_.data() + texts_.size();
      texts_.append(of.at(i).value).push_back('\0');
      fields_.push_back({name, value, of.at(i).value.size()});
    }
  }
  const WatchedField* data() const { return fields_.data(); }
  size_t size() const { return fields_.size(); }

 private:
  std::string texts_;
  std::vector<WatchedField> fields_;
};

}  // namespace

// What is decided at once; else OnDecision tells. error: of a failure.
std::optional<Decision> Call::AskMiddleware(Turn what, const ErrorRef& error) {
  Turns* const turns = calls_->turns;
  if (!turns || !turns->middleware().Wants(what)) return Decision();
  if (!turn_) turn_ = std::make_unique<OpenTurn>();
  turn_->what = what;
  turn_->held.reset();
  turn_->ended = false;
  turn_->error = nullptr;
  const std::string url = state_.request.url.text();
  const Shown fields = what == Turn::kResponse ? Shown(state_.head) : Shown(state_.request.headers);
  TurnFields turn;
  turn.what = what;
  turn.session = calls_->session->id();
  turn.task = state_.request.task;
  turn.user = state_.request.user;
  turn.attempt = what == Turn::kRequest ? tries_ + 1 : tries_;
  turn.http_status = what == Turn::kResponse ? state_.head.status : 0;
  turn.method = state_.request.method.c_str();
  turn.url = url.c_str();
  turn.headers = fields.data();
  turn.headers_count = fields.size();
  turn.error = error ? &error->fields() : nullptr;
  return turns->Ask(&turn, this, &turn_->id);
}

// Whether it may be made again for the sake of its middleware.
bool Call::MayGoAgain() const {
  return !state_.attempt.pulled && !state_.body_gone && state_.request.retry &&
         turn_->again < calls_->turns->middleware().most_again;
}

// Each in place of the request's own of that name. May throw bad_alloc.
Result<void> Call::TakeFields(const Decision& decision) {
  Request& request = state_.request;
  for (const Decision::Field& field : decision.fields) request.headers.Remove(field.name);
  for (const Decision::Field& field : decision.fields) {
    if (!field.value) continue;
    if (auto added = request.headers.Add(field.name, *field.value); !added.ok()) return added;
    request.withheld &= ~Bit(KnownName(field.name));
  }
  return decision.fields.empty() ? Result<void>() : CheckRequest(request.Head(*request.defaults));
}

// ---- Before an attempt ----

void Call::AskBeforeRequest() noexcept {
  state_.undecided = false;
  std::optional<Decision> decision;
  try {
    decision = AskMiddleware(Turn::kRequest, nullptr);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  if (decision) DecideRequest(std::move(*decision));
}

void Call::DecideRequest(Decision decision) noexcept {
  using Action = Decision::Action;
  try {
    if (decision.action == Action::kFail) return Fail(std::move(decision.error));
    if (decision.action == Action::kAnswer) return AnswerItself(decision);
    if (auto taken = TakeFields(decision); !taken.ok()) return Fail(taken.error());
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  state_.decided = true;
  BeginAttempt();
}

// ---- At the head of an answer ----

BodySink* Call::AskAtHead(bool* waits) noexcept {
  *waits = false;
  if (state_.attempt.granted) return nullptr;
  std::optional<Decision> decision;
  try {
    decision = AskMiddleware(Turn::kResponse, nullptr);
  } catch (const std::bad_alloc&) {
    state_.failure = NoMemoryError();
    return *waits = true, nullptr;
  }
  if (!decision) {
    *waits = true;
    return &turn_->held.emplace();
  }
  using Action = Decision::Action;
  if (decision->action == Action::kGo) return nullptr;
  if (decision->action == Action::kAgain && !MayGoAgain()) return nullptr;
  *waits = true;  // the answer is nobody's: it is read over
  if (decision->action == Action::kFail) {
    state_.failure = std::move(decision->error);
  } else {
    reading_over_ = true;
    turn_->answer = std::move(*decision);
  }
  return nullptr;
}

// The answer that was asked about has been read over, or given up.
void Call::AfterAnswer() noexcept {
  const Decision decision = std::move(*std::exchange(turn_->answer, std::nullopt));
  reading_over_ = false;
  try {
    if (decision.action == Decision::Action::kAnswer) return AnswerItself(decision);
    if (auto taken = TakeFields(decision); !taken.ok()) return Fail(taken.error());
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  turn_->again++;
  state_.again_at = After(calls_->loop.now(), decision.delay);
  Again();
}

void Call::GiveUpExchange() noexcept {
  if (exchange_) exchange_->Abort();
  exchange_ = nullptr;
  reservation_.GiveBack();
}

void Call::DecideResponse(Decision decision) noexcept {
  using Action = Decision::Action;
  if (decision.action == Action::kFail) return Fail(std::move(decision.error));
  if (decision.action == Action::kAnswer || (decision.action == Action::kAgain && MayGoAgain())) {
    GiveUpExchange();
    turn_->answer = std::move(decision);
    return AfterAnswer();
  }
  const bool ended = turn_->ended;
  BodySink* const sink = WhereTo();
  if (state_.failure) return Fail(std::move(state_.failure));
  if (!sink) {  // another attempt follows
    if (ended) return OnEnd(std::move(turn_->error));
    if (state_.fresh) calls_->counters.retries.Add();
    GiveUpExchange();
    return Again();
  }
  if (const Problem problem = turn_->held->GoTo(sink); problem.bad()) return FailWith(problem);
  if (refused_ && !ended) {  // its start is enough
    GiveUpExchange();
    return FailWithStatus();
  }
  if (stream_ && !refused_) {
    announced_ = true;
    if (!owner_->OnHead()) return Fail(NoMemoryError());
    if (!calls_) return;  // it was not what its owner had asked for
  }
  if (ended) return OnEnd(std::move(turn_->error));
  exchange_->ReadOn();
}

// ---- After a failure ----

// True if the call goes another way than to its layers.
bool Call::AskAfterFailure(const ErrorRef& error) noexcept {
  std::optional<Decision> decision;
  try {
    decision = AskMiddleware(Turn::kFailure, error);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError()), true;
  }
  if (!decision) {
    turn_->error = error;
    reservation_.GiveBack();
    return true;
  }
  if (decision->action == Decision::Action::kGo) return false;
  return DecideFailure(std::move(*decision));
}

// False: as GO.
bool Call::DecideFailure(Decision decision) noexcept {
  using Action = Decision::Action;
  if (decision.action == Action::kGo || (decision.action == Action::kAgain && !MayGoAgain()))
    return false;
  if (decision.action == Action::kFail) return Fail(std::move(decision.error)), true;
  turn_->answer = std::move(decision);
  AfterAnswer();
  return true;
}

// ---- Decisions that come later ----

void Call::OnDecision(Decision decision) noexcept {
  turn_->id = 0;
  switch (turn_->what) {
    case Turn::kRequest:
      return DecideRequest(std::move(decision));
    case Turn::kResponse:
      return DecideResponse(std::move(decision));
    case Turn::kFailure: {
      ErrorRef error = std::move(turn_->error);
      if (!DecideFailure(std::move(decision))) AskLayersOf(std::move(error));
      return;
    }
  }
}

void Call::DropTurn() noexcept {
  if (turn_ && turn_->id != 0) calls_->turns->Forget(std::exchange(turn_->id, 0));
}

// An answer that no server has given. May throw bad_alloc.
void Call::AnswerItself(const Decision& decision) {
  GiveUpExchange();
  state_.head.Clear();
  state_.head.status = static_cast<uint16_t>(decision.http_status);
  for (const Decision::Field& field : decision.fields)
    state_.head.Add(field.name, field.value ? *field.value : "");
  state_.has_body = !decision.body.empty();
  state_.attempt = {.phase = Phase::kBody};
  connected_at_ = ended_ = calls_->loop.now();
  if (watch()) watch()->HeadCame(state_.head);
  BodySink* const sink = stream_ ? static_cast<BodySink*>(stream_) : &whole_;
  if (stream_)
    stream_->Prepare(nullptr);
  else
    whole_.Prepare(nullptr, UINT64_MAX);
  Problem problem = sink->Begin(decision.body.size());
  if (!problem.bad() && state_.has_body)
    problem = sink->Append(decision.body.data(), decision.body.size());
  if (!problem.bad() && !stream_) problem = whole_.End();
  if (problem.bad()) return FailWith(problem);
  if (stream_) {
    stream_->End();
    announced_ = true;
    if (!owner_->OnHead()) return Fail(NoMemoryError());
    if (!calls_) return;  // it was not what its owner had asked for
  }
  if (watch()) watch()->Ended(Status::kOk, nullptr);
  Stop();
  owner_->OnEnd(nullptr);
}

}  // namespace creche::http
