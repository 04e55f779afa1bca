#include "http/request_operation.h"

#include <new>

#include "tasks/api.h"

namespace creche::http {

using tasks::Outcome;

RequestOperation::RequestOperation(tasks::ResidentUse<Session> session, bool stream)
    : session_(std::in_place, std::move(session)),
      call_(std::make_unique<Call>(stream, static_cast<Call::Owner*>(this))) {}

void RequestOperation::Start() noexcept {
  if (refused_) return Complete(Outcome::Failed(std::move(refused_)));
  Calls* calls = (*session_)->calls();
  if (!calls)
    return Complete(
        Outcome::Failed(MakeError(Status::kClosed, closed_in_line() ? Phase::kLimit : Phase::kPool,
                                  "the session was closed: open another one")));
  call_->request().task = task_id();
  if (Watch* watch = call_->request().watch.get()) watch->Begin(task_id(), &call_->request());
  call_->Start(*calls);
}

void RequestOperation::Cancel() noexcept {
  if (response_) {
    if (rests_) {  // it has done its work
      response_->set_feeder(nullptr);
      return OnOver(response_->TakeUploadFailure());
    }
    response_->CancelUpload();
    return Complete(Outcome::Cancelled(Phase::kSend));
  }
  const Phase phase = call_->phase();
  call_->Abort();
  Complete(Outcome::Cancelled(phase));
}

void RequestOperation::Answer(Status status, std::string bytes, bool more,
                              ErrorRef error) noexcept {
  if (const auto next = pulls_.Answered()) {
    if (!Ask(tasks::What::kPull, next->hint, next->code) && call_) call_->Fail(NoMemoryError());
    return;
  }
  if (call_)
    call_->Answer(status, std::move(bytes), more, std::move(error));
  else if (response_)
    response_->Answer(status, std::move(bytes), more, std::move(error));
}

bool RequestOperation::OnPull(uint64_t hint) noexcept {
  const auto question = pulls_.Wanted(hint, call_ ? &call_->request().body : nullptr);
  return !question || Ask(tasks::What::kPull, question->hint, question->code);
}

// The response takes the call over; this ends, unless there is more of the request to be
// pulled.
bool RequestOperation::OnHead() noexcept {
  const bool no_body = !call_->has_body();
  const bool pulls = call_->pulls() && !no_body;
  Ref<Response> response;
  try {
    response = Response::Stream(Ref<Loop>::Share(&loop()), &call_);
  } catch (const std::bad_alloc&) {
    return false;
  }
  Outcome outcome;
  outcome.code = response->head().status;
  outcome.owned = true;
  outcome.value = AddObject(Kind::kResponse, response, loop());
  if (outcome.value != 0) {
    if (no_body) return Complete(std::move(outcome)), true;
    if (!pulls) return CompleteWithLease(std::move(outcome), response.get()), true;
    status_ = outcome.code;
    if (DeliverWithLease(std::move(outcome), response.get())) {
      waits_for_.store("upload", std::memory_order_relaxed);
      response->set_feeder(this);
      response_ = std::move(response);
      return true;
    }
    ForgetObject(response->id());
  }
  call_ = response->TakeBack();
  call_->set_owner(this);
  return false;
}

// All of the body has been sent: what is left is the user's reading.
void RequestOperation::OnSent() noexcept {
  if (!response_) return;  // of a call that is still its own
  rests_ = true;
  session_.reset();
  waits_for_.store("reading", std::memory_order_relaxed);
  Rest();
}

void RequestOperation::OnOver(ErrorRef why) noexcept {
  if (why) return Complete(Outcome::Failed(std::move(why)));
  Outcome outcome;
  outcome.code = status_;
  Complete(std::move(outcome));
}

Nanos RequestOperation::Deadline() noexcept {
  tasks::ScopeState state{};
  if (tasks::GetScopeState(task_id(), &state) != Status::kOk) return kNever;
  return state.effective_deadline;
}

void RequestOperation::OnEnd(ErrorRef error) noexcept {
  if (error) {
    Outcome failed = Outcome::Failed(std::move(error));
    if (failed.status == Status::kHttpStatus) failed.code = failed.error->fields().http_status;
    return Complete(std::move(failed));
  }
  Outcome outcome;
  try {
    Ref<Response> response = Response::Whole(*call_);
    outcome.code = response->head().status;
    outcome.data = response->body().data();
    outcome.size = response->body().size();
    outcome.owned = true;
    outcome.value = AddObject(Kind::kResponse, std::move(response), loop());
  } catch (const std::bad_alloc&) {
  }
  if (outcome.value == 0) return Complete(Outcome::Failed(NoMemoryError()));
  Complete(std::move(outcome));
}

}  // namespace creche::http
