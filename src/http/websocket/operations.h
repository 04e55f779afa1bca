// What users start on a WebSocket: creche_websocket_send, _receive, _close.
#pragma once
#include <string>

#include "core/blocks.h"
#include "http/websocket/websocket.h"
#include "tasks/operation.h"

namespace creche::http {

class SendOperation final : public tasks::Operation, public FromBlocks {
 public:
  SendOperation(Ref<Websocket> socket, bool text, std::string message)
      : text(text), message(std::move(message)), socket_(std::move(socket)) {}
  void Start() noexcept override { socket_->Send(this); }
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "send"; }
  bool PassesLimit() const noexcept override { return true; }
  void Done(tasks::Outcome outcome) noexcept { Complete(std::move(outcome)); }

  const bool text;
  std::string message;

 private:
  const Ref<Websocket> socket_;
};

class ReceiveOperation final : public tasks::Operation, public FromBlocks {
 public:
  explicit ReceiveOperation(Ref<Websocket> socket) : socket_(std::move(socket)) {}
  void Start() noexcept override { socket_->Receive(this); }
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "message"; }
  bool PassesLimit() const noexcept override { return true; }
  void Done(tasks::Outcome outcome) noexcept { Complete(std::move(outcome)); }

 private:
  const Ref<Websocket> socket_;
};

class CloseOperation final : public tasks::Operation, public FromBlocks {
 public:
  CloseOperation(Ref<Websocket> socket, uint16_t code, std::string reason)
      : socket_(std::move(socket)), code_(code), reason_(std::move(reason)) {}
  void Start() noexcept override { socket_->Close(this, code_, std::move(reason_)); }
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "close"; }
  bool PassesLimit() const noexcept override { return true; }
  void Done(tasks::Outcome outcome) noexcept { Complete(std::move(outcome)); }

 private:
  const Ref<Websocket> socket_;
  const uint16_t code_;
  std::string reason_;
};

}  // namespace creche::http
