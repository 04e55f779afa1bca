#include "http/websocket/connect_operation.h"

#include <new>

namespace creche::http {

using tasks::Outcome;

ConnectOperation::ConnectOperation(tasks::ResidentUse<Session> session,
                                   const WebsocketSettings& settings, WebsocketOffer offer)
    : session_(std::in_place, std::move(session)),
      settings_(settings),
      offer_(std::move(offer)),
      call_(std::make_unique<Call>(true, static_cast<Call::Owner*>(this))) {}

void ConnectOperation::Start() noexcept {
  if (refused_) return Fail(std::move(refused_));
  Calls* calls = (*session_)->calls();
  if (!calls)
    return Fail(MakeError(Status::kClosed, closed_in_line() ? Phase::kLimit : Phase::kPool,
                          "the session was closed: open another one"));
  body_ = call_->TakeStream();
  call_->request().task = task_id();
  if (Watch* watch = call_->request().watch.get()) watch->Begin(task_id(), &call_->request());
  call_->Start(*calls);
}

void ConnectOperation::Cancel() noexcept {
  if (completed_) return;
  const Phase phase = call_->phase();
  completed_ = true;
  call_->Abort();
  Complete(Outcome::Cancelled(phase));
}

bool ConnectOperation::OnHead() noexcept {
  try {
    Agree();
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

// An answer that grants what was asked for; or not.
void ConnectOperation::Agree() {
  const ResponseHead& head = call_->head();
  std::string where(call_->request().url.shown());
  Result<WebsocketTerms> terms =
      MakeError({.status = Status::kProtocol,
                 .phase = Phase::kHeaders,
                 .message = "the server answered with status " + std::to_string(head.status) +
                            " in place of a WebSocket: is there a WebSocket at this URL, and are "
                            "you allowed to use it?",
                 .http_status = head.status});
  if (call_->granted()) terms = CheckUpgrade(head, offer_);
  if (!terms.ok()) {
    ErrorRef error = MakeError({.status = terms.error()->status(),
                                .phase = Phase::kHeaders,
                                .message = where + ": " + terms.error()->message(),
                                .http_status = head.status});
    call_->Abort();
    return Fail(std::move(error));
  }
  auto socket = MakeRef<Websocket>(Ref<Loop>::Share(&loop()), settings_, std::move(terms).value());
  Outcome outcome;
  outcome.code = head.status;
  outcome.owned = true;
  outcome.value = AddObject(Kind::kWebsocket, socket, loop());
  if (outcome.value == 0) throw std::bad_alloc();
  Calls* const calls = (*session_)->calls();
  Call::Upgraded upgraded;
  try {
    upgraded = call_->Upgrade();
  } catch (const std::bad_alloc&) {
    ForgetObject(outcome.value);
    throw;
  }
  completed_ = true;
  upgraded.where = std::move(where);  // from here on nothing may fail
  CompleteWithLease(std::move(outcome), socket.get());
  socket->Open(calls, std::move(upgraded));
}

void ConnectOperation::OnEnd(ErrorRef error) noexcept {
  if (completed_) return;
  if (!error)
    error = MakeError(Status::kProtocol, Phase::kHeaders, "the answer ended without a WebSocket");
  Fail(std::move(error));
}

void ConnectOperation::Fail(ErrorRef error) noexcept {
  completed_ = true;
  Outcome outcome = Outcome::Failed(std::move(error));
  outcome.code = outcome.error->fields().http_status;
  Complete(std::move(outcome));
}

}  // namespace creche::http
