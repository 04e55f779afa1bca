// Canceller: cancels what runs on one connection. A cancel request names a backend, not a
// statement: it hits what is running when it arrives. So one is sent only when the statement to be
// stopped is the first in flight; from then on nothing more is sent until the request is done and
// everything in flight has ended. If it comes too late and hits the next one, that was rolled back,
// and is run again unseen. Loop's thread.
#pragma once
#include <cstdint>

#include "core/error.h"
#include "core/loop.h"
#include "pg/cancel.h"
#include "pg/pipeline.h"
#include "pg/shared.h"
#include "pg/wire/endpoint.h"
#include "pg/wire/wire.h"

namespace creche::pg {

class Canceller final : private Cancel::Listener {
 public:
  class Owner {
   public:
    // A request is done: more may be sent, unless it holds().
    virtual void OnCancelOver() noexcept = 0;
    // The connection is of no use any more: what was cancelled did not end in time.
    virtual void OnCancelFailed(const ErrorRef& why) noexcept = 0;

   protected:
    ~Owner() = default;
  };

  // timeout: in which what is cancelled must have ended.
  Canceller(Loop& loop, Owner& owner, Endpoint& endpoint, Wire& wire, Pipeline& pipeline,
            Shared& shared, Nanos timeout);
  ~Canceller();

  // This flight is to be stopped, as soon as that hits nobody else: call Step.
  void Mark(Flight* flight) noexcept;
  // Does what is to be done now.
  void Step() noexcept;
  // Everything in flight is to end: nobody is spared any more.
  void Hurry() noexcept { hurried_ = true; }
  // A request is on its way.
  bool busy() const noexcept { return static_cast<bool>(request_); }
  // Nothing may be sent: a request could hit it.
  bool holds() const noexcept { return holds_; }
  // True if this is how what a request of ours has hit ends; called once for each end of a flight.
  bool TakeHit(const ErrorRef& error) noexcept;
  // Nothing is in flight. If no request is under way either, there is nothing left to be hit.
  void OnIdle() noexcept;
  // The connection was lost. Nobody is called any more.
  void Stop() noexcept;

 private:
  void CancelDone() noexcept override;
  static void OnTimer(void* self) noexcept;
  // When a request for the first in flight may be sent.
  Nanos Due() noexcept;
  void Send(Nanos now) noexcept;
  void ArmTimer() noexcept;

  Loop& loop_;
  Owner& owner_;
  Endpoint& endpoint_;
  Wire& wire_;
  Pipeline& pipeline_;
  Shared& shared_;
  const Nanos timeout_;
  Timer timer_;
  Nanos timer_at_ = kNever;
  Ref<Cancel> request_;   // on its way
  Nanos until_ = kNever;  // when that must have been answered
  Nanos retry_at_ = 0;    // not another one before
  uint32_t hits_ = 0;     // statements that our requests may yet hit, at most
  bool holds_ = false;
  bool hurried_ = false;
  bool stopped_ = false;
};

}  // namespace creche::pg
