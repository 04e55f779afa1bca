// RequestOperation: creche_session_fetch and creche_session_send.
#pragma once
#include <atomic>
#include <memory>
#include <optional>

#include "core/blocks.h"
#include "http/call.h"
#include "http/pulls.h"
#include "http/response.h"
#include "http/session.h"
#include "tasks/operation.h"

namespace creche::http {

class RequestOperation final : public tasks::Operation,
                               public FromBlocks,
                               private Call::Owner,
                               private Response::Feeder {
 public:
  // Any thread. stream: completes at the head. May throw bad_alloc.
  RequestOperation(tasks::ResidentUse<Session> session, bool stream);
  // Before it is started: to be filled, or why that cannot be.
  Request& request() { return call_->request(); }
  void set_refused(ErrorRef why) { refused_ = std::move(why); }

  void Start() noexcept override;
  void Cancel() noexcept override;
  void Answer(Status status, std::string bytes, bool more, ErrorRef error) noexcept override;
  const char* WaitsFor() const noexcept override {
    return waits_for_.load(std::memory_order_relaxed);
  }
  const tasks::Resident* Of() const noexcept override { return of_; }

 private:
  bool OnHead() noexcept override;
  void OnBody() noexcept override {}
  bool OnPull(uint64_t hint) noexcept override;
  void OnEnd(ErrorRef error) noexcept override;
  void OnSent() noexcept override;
  Nanos Deadline() noexcept override;
  void OnOver(ErrorRef why) noexcept override;

  std::optional<tasks::ResidentUse<Session>> session_;  // until nothing more is sent
  const tasks::Resident* const of_ = session_->get();
  ErrorRef refused_;
  std::unique_ptr<Call> call_;  // until the response takes it
  // Whose body is read while the request's is pulled.
  Ref<Response> response_;
  uint32_t status_ = 0;  // its
  Pulls pulls_;
  bool rests_ = false;
  std::atomic<const char*> waits_for_{"response"};
};

}  // namespace creche::http
