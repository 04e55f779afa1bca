// StepOperation: a body of the pool's user in the life of a connection that nobody has just now:
// `init` when it is new, `reset` when it was given back. In the loop's own scope; the pool hears of
// its end when the lease that it takes is given back. Loop's thread.
#pragma once
#include "pg/connection_lease.h"
#include "pg/pool.h"
#include "tasks/operation.h"

namespace creche::pg {

class StepOperation final : public tasks::Operation, private tasks::BodyListener {
 public:
  // Where it cannot be run the connection is of no use.
  static void Begin(Ref<Pool> pool, Member* member, Step step) noexcept;

  StepOperation(Ref<ConnectionLease> lease, Step step)
      : pool_(Ref<Pool>::Share(&lease->pool())), lease_(std::move(lease)), step_(step) {}
  void Start() noexcept override;
  // The loop is being closed before it has begun.
  bool KeepsOrder() const noexcept override { return true; }
  void Drop() noexcept override;
  // Its body is told by the tree, and its end is awaited.
  void Cancel() noexcept override {}
  const char* WaitsFor() const noexcept override { return name(); }
  const tasks::Resident* Of() const noexcept override { return pool_.get(); }

 private:
  const char* name() const noexcept { return step_ == Step::kInit ? "init" : "reset"; }
  void BodyEnded(tasks::Outcome outcome) noexcept override;
  // why: null if it went well.
  void End(const ErrorRef& why) noexcept;

  const tasks::ResidentUse<Pool> pool_;
  const Ref<ConnectionLease> lease_;
  const Step step_;
};

}  // namespace creche::pg
