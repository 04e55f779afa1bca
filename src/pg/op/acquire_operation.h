// creche_pool_acquire.
#pragma once
#include <memory>

#include "core/blocks.h"
#include "pg/checkout.h"
#include "pg/connection_lease.h"
#include "pg/op/setup.h"
#include "pg/pool.h"
#include "tasks/operation.h"

namespace creche::pg {

class AcquireOperation final : public tasks::Operation, public FromBlocks, private Setup::Owner {
 public:
  explicit AcquireOperation(tasks::ResidentUse<Pool> pool) : pool_(std::move(pool)) {}
  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "connection"; }
  const tasks::Resident* Of() const noexcept override { return pool_.get(); }

 private:
  void OnGranted(Member* member) noexcept;
  void OnSetUp(Ending ending) noexcept override;
  void HandOut(const Ref<ConnectionLease>& lease) noexcept;
  // It is not given to anybody.
  void GiveBack(tasks::Outcome outcome) noexcept;
  void OnRefused(const ErrorRef& why) noexcept { Complete(tasks::Outcome::Failed(why)); }
  const tasks::ResidentUse<Pool> pool_;
  CheckoutOf<&AcquireOperation::OnGranted, &AcquireOperation::OnRefused> checkout_{this};
  // While it is set up.
  Ref<ConnectionLease> lease_;
  std::unique_ptr<Setup> setup_;
  // Connections that may turn out to be dead then.
  static constexpr int kMaxLosses = 3;
  int losses_ = 0;
  bool stopping_ = false;
};

}  // namespace creche::pg
