// RequestOperation: creche_session_fetch and creche_session_send.
#pragma once
#include <atomic>
#include <memory>

#include "core/blocks.h"
#include "http/exchange.h"
#include "http/response.h"
#include "http/session.h"
#include "tasks/operation.h"

namespace creche::http {

class RequestOperation final : public tasks::Operation, public FromBlocks, private Exchange::Owner {
 public:
  // request: or why it cannot be made. stream: completes at the head.
  RequestOperation(tasks::Use<Session> session, Result<Request> request, bool stream)
      : session_(std::move(session)), request_(std::move(request)), stream_(stream) {}

  void Start() noexcept override;
  void Cancel() noexcept override;
  void Answer(Status status, std::string bytes, bool more, ErrorRef error) noexcept override;
  const char* WaitsFor() const noexcept override { return "response"; }
  const tasks::Resident* Of() const noexcept override { return session_.get(); }

 private:
  bool OnHead() noexcept override;
  void OnBody() noexcept override {}
  bool OnPull(uint64_t hint) noexcept override { return Ask(tasks::What::kPull, hint); }
  void OnEnd(ErrorRef error) noexcept override;

  const tasks::Use<Session> session_;
  Result<Request> request_;
  const bool stream_;
  std::unique_ptr<Exchange> exchange_;
};

}  // namespace creche::http
