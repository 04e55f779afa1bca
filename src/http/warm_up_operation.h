// WarmUpOperation: creche_session_warm_up: connections are opened along a route before there is
// anything to send, and left to the pool.
#pragma once
#include <memory>
#include <vector>

#include "http/calls.h"
#include "http/reservation.h"
#include "http/session.h"
#include "tasks/operation.h"

namespace creche::http {

class WarmUpOperation final : public tasks::Operation, private Guest {
 public:
  // Any thread. count: how many there shall be, those that are there already counted.
  WarmUpOperation(tasks::ResidentUse<Session> session, uint32_t count)
      : session_(std::move(session)), count_(count) {}
  // Before it is started: where to, or why that cannot be.
  Request& request() { return state_.request; }
  void set_refused(ErrorRef why) { failure_ = std::move(why); }

  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "connections"; }
  const tasks::Resident* Of() const noexcept override { return session_.get(); }

 private:
  // One connection on its way.
  class Opened final : public Checkout {
   public:
    explicit Opened(WarmUpOperation& operation) : operation_(operation) {}

   private:
    void OnReserved(Reservation reservation, bool reused) noexcept override;
    void OnOpening() noexcept override {}
    void OnOpenFailed(Phase phase, ErrorRef error) noexcept override;
    WarmUpOperation& operation_;
  };

  void OnSessionClosed(const ErrorRef& error) noexcept override;
  void StartAll(Calls& calls);
  // False if there is no room for it.
  bool StartOne(Pool& pool, const Route& route);
  void OneIsDone() noexcept;
  void Finish(tasks::Outcome outcome) noexcept;

  const tasks::ResidentUse<Session> session_;
  const uint32_t count_;
  CallState state_;
  std::vector<std::unique_ptr<Opened>> ways_;
  uint32_t pending_ = 0;
  uint32_t opened_ = 0;
  ErrorRef failure_;  // the first
};

}  // namespace creche::http
