// Connector: opens one connection, step by step, each under a timeout of its own. It knows no
// protocol: what is to be done is in its steps. Loop's thread only. Destroying it gives up.
#pragma once
#include <memory>
#include <vector>

#include "core/connect/step.h"
#include "core/loop.h"

namespace creche {

class Connector final : private ConnectStep::Listener {
 public:
  using Steps = std::vector<std::unique_ptr<ConnectStep>>;
  class Listener {
   public:
    // Open and reading; set its listener.
    virtual void OnConnected(std::unique_ptr<Transport> transport) noexcept = 0;
    // See phase.
    virtual void OnConnectFailed(ErrorRef error) noexcept = 0;
    // A step begins.
    virtual void OnPhaseBegun(Phase) noexcept {}
    // A step has been done, in so much time.
    virtual void OnPhaseDone(Phase phase, Nanos time) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // steps: at least one; the last leaves a transport. start: where they begin. May throw bad_alloc.
  Connector(Loop& loop, Connecting start, Steps steps, Listener* listener);
  ~Connector();

  // The listener is told once; perhaps inside, and may destroy the connector.
  void Start() noexcept;
  // Where it is, or has failed.
  Phase phase() const noexcept { return steps_[at_]->phase(); }

 private:
  class Unheard final : public Transport::Listener {
    void OnReadable() noexcept override {}
    void OnWritable() noexcept override {}
  };
  void OnStepDone() noexcept override;
  void OnStepFailed(ErrorRef error) noexcept override;
  void OnStepWantsAnew() noexcept override;
  void RunStep(size_t at) noexcept;
  bool TryOther(const ErrorRef& why) noexcept;
  void OnTimeout() noexcept;

  Loop& loop_;
  Listener* const listener_;
  Unheard unheard_;
  Timer timer_;
  Connecting so_far_;
  Steps steps_;
  size_t at_ = 0;
  Nanos step_began_ = 0;
  ErrorRef further_;  // how the step furthest on has failed with another address
  size_t further_at_ = 0;
};

}  // namespace creche
