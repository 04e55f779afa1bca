// creche_pool_acquire.
#pragma once
#include "core/blocks.h"
#include "pg/checkout.h"
#include "pg/connection_lease.h"
#include "pg/pool.h"
#include "tasks/operation.h"

namespace creche::pg {

class AcquireOperation final : public tasks::Operation, public FromBlocks {
 public:
  explicit AcquireOperation(tasks::ResidentUse<Pool> pool) : pool_(std::move(pool)) {}
  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "connection"; }
  const tasks::Resident* Of() const noexcept override { return pool_.get(); }

 private:
  void OnGranted(Member* member) noexcept;
  void OnRefused(const ErrorRef& why) noexcept { Complete(tasks::Outcome::Failed(why)); }
  const tasks::ResidentUse<Pool> pool_;
  CheckoutOf<&AcquireOperation::OnGranted, &AcquireOperation::OnRefused> checkout_{this};
};

}  // namespace creche::pg
