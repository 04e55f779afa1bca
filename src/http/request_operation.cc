#include "http/request_operation.h"

#include <new>

namespace creche::http {

using tasks::Outcome;

void RequestOperation::Start() noexcept {
  if (!request_.ok()) return Complete(Outcome::Failed(request_.error()));
  Client* client = session_->client();
  if (!client)
    return Complete(Outcome::Failed(
        MakeError(Status::kClosed, Phase::kPool, "the session was closed: open another one")));
  try {
    exchange_ = std::make_unique<Exchange>(*client, std::move(request_).value(), stream_,
                                           static_cast<Exchange::Owner*>(this));
  } catch (const std::bad_alloc&) {
    return Complete(Outcome::Failed(NoMemoryError()));
  }
  exchange_->Start();
}

void RequestOperation::Cancel() noexcept {
  const Phase phase = exchange_->phase();
  exchange_->Abort();
  Complete(Outcome::Cancelled(phase));
}

void RequestOperation::Answer(Status status, std::string bytes, bool more,
                              ErrorRef error) noexcept {
  if (exchange_) exchange_->Answer(status, std::move(bytes), more, std::move(error));
}

// The response takes the exchange over; this ends.
bool RequestOperation::OnHead() noexcept {
  const bool no_body = exchange_->no_body();
  Ref<Response> response;
  try {
    response = Response::Stream(Ref<Loop>::Share(&loop()), &exchange_);
  } catch (const std::bad_alloc&) {
    return false;
  }
  Outcome outcome;
  outcome.code = response->head().status;
  outcome.owned = true;
  outcome.value = AddObject(Kind::kResponse, response, loop().id());
  if (outcome.value == 0) {
    exchange_ = response->TakeBack();
    exchange_->set_owner(this);
    return false;
  }
  if (no_body) {
    Complete(std::move(outcome));
  } else {
    CompleteWithLease(std::move(outcome), response.get());
  }
  return true;
}

void RequestOperation::OnEnd(ErrorRef error) noexcept {
  if (error) return Complete(Outcome::Failed(std::move(error)));
  Outcome outcome;
  try {
    Ref<Response> response = Response::Whole(*exchange_);
    outcome.code = response->head().status;
    outcome.data = response->body().data();
    outcome.size = response->body().size();
    outcome.owned = true;
    outcome.value = AddObject(Kind::kResponse, std::move(response), loop().id());
  } catch (const std::bad_alloc&) {
  }
  if (outcome.value == 0) return Complete(Outcome::Failed(NoMemoryError()));
  Complete(std::move(outcome));
}

}  // namespace creche::http
