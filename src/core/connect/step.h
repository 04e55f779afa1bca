// ConnectStep: one step on the way to a connection: resolving a name, dialling, a handshake. A
// connector runs several in a row; each takes from, and adds to, what those before it have reached.
// Loop's thread only. Destroying it gives up.
#pragma once
#include <memory>
#include <string>

#include "core/error.h"
#include "core/resolver.h"
#include "core/transport.h"

namespace creche {

// How far a connection has come.
struct Connecting {
  std::string host{};       // to be resolved
  uint16_t port = 0;        // to be dialled
  std::string authority{};  // both, as messages name them
  Addresses addresses{};
  std::unique_ptr<Transport> transport{};  // not open
};

class ConnectStep {
 public:
  // Told once for each Start, perhaps inside.
  class Listener {
   public:
    virtual void OnStepDone() noexcept = 0;
    virtual void OnStepFailed(ErrorRef error) noexcept = 0;
    // All is to be done again from the first step on; this one will do it otherwise.
    virtual void OnStepWantsAnew() noexcept = 0;

   protected:
    ~Listener() = default;
  };
  // How long a step may take.
  struct Limit {
    Nanos time = kNever;
    const char* setting = "";  // what its user calls it: "timeouts.dns"
  };

  ConnectStep(Phase phase, Limit limit) : phase_(phase), limit_(limit) {}
  virtual ~ConnectStep() = default;
  ConnectStep(const ConnectStep&) = delete;
  ConnectStep& operator=(const ConnectStep&) = delete;

  // Before the first step is started: begins what takes its time and needs no connection. Null, or
  // why there can be none. May throw bad_alloc.
  virtual ErrorRef Prepare() { return nullptr; }
  // All before it is reached. May throw bad_alloc.
  virtual void Start(Connecting* so_far, Listener* listener) = 0;
  // The address that is to blame if this step is broken off or takes too long, for it leads there
  // with nothing in between; null if that is not known, or there is only that one.
  virtual const platform::Address* blamed() const noexcept { return nullptr; }
  // Gives up what it has begun: it may be started again.
  virtual void Drop() noexcept {}
  // Whether the next Start can do without this address, which has failed behind this step.
  virtual bool Leave(Connecting* /*so_far*/, const platform::Address& /*address*/) noexcept {
    return false;
  }
  // Its time is up; it will be destroyed. Says so, and what to do. May throw bad_alloc.
  virtual ErrorRef TimedOut(const Connecting& so_far) = 0;

  Phase phase() const noexcept { return phase_; }
  Nanos time() const noexcept { return limit_.time; }
  // Of that, how much it may take now.
  virtual Nanos TimeFor(const Connecting& /*so_far*/) noexcept { return limit_.time; }

 protected:
  // CRECHE_E_TIMEOUT: "<what> in 1 s<hint>, or raise <setting>".
  ErrorRef TimeoutError(const std::string& what, const std::string& hint) const;

 private:
  const Phase phase_;
  const Limit limit_;
};

}  // namespace creche
