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
  // Its time is up; it will be destroyed. Says so, and what to do. May throw bad_alloc.
  virtual ErrorRef TimedOut(const Connecting& so_far) = 0;

  Phase phase() const noexcept { return phase_; }
  Nanos time() const noexcept { return limit_.time; }

 protected:
  // CRECHE_E_TIMEOUT: "<what> in 1 s<hint>, or raise <setting>".
  ErrorRef TimeoutError(const std::string& what, const std::string& hint) const;

 private:
  const Phase phase_;
  const Limit limit_;
};

}  // namespace creche
