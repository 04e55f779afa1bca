// ConnectOperation: creche_session_websocket: the handshake.
#pragma once
#include <atomic>
#include <memory>
#include <optional>

#include "core/blocks.h"
#include "http/call.h"
#include "http/session.h"
#include "http/websocket/websocket.h"
#include "tasks/operation.h"

namespace creche::http {

class ConnectOperation final : public tasks::Operation, public FromBlocks, private Call::Owner {
 public:
  // Any thread. May throw bad_alloc.
  ConnectOperation(tasks::ResidentUse<Session> session, const WebsocketSettings& settings,
                   WebsocketOffer offer);
  // Before it is started: to be filled, or why that cannot be.
  Request& request() { return call_->request(); }
  void set_refused(ErrorRef why) { refused_ = std::move(why); }

  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "handshake"; }
  const tasks::Resident* Of() const noexcept override { return of_; }

 private:
  bool OnHead() noexcept override;
  void OnBody() noexcept override {}
  bool OnPull(uint64_t) noexcept override { return false; }  // nothing is pulled
  void OnSent() noexcept override {}
  void OnEnd(ErrorRef error) noexcept override;
  void Agree();
  void Fail(ErrorRef error) noexcept;

  std::optional<tasks::ResidentUse<Session>> session_;
  const tasks::Resident* const of_ = session_->get();
  const WebsocketSettings settings_;
  const WebsocketOffer offer_;
  ErrorRef refused_;
  std::unique_ptr<Call> call_;
  std::unique_ptr<StreamBody> body_;  // the call's; nobody reads it
  bool completed_ = false;
};

}  // namespace creche::http
