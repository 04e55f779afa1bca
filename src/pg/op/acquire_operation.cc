#include "pg/op/acquire_operation.h"

#include <new>

namespace creche::pg {

void AcquireOperation::Start() noexcept {
  if (pool_->closing() && closed_in_line()) return OnRefused(Pool::ClosedError(Phase::kLimit));
  pool_->Wait(&checkout_, false, 0);
}

void AcquireOperation::Cancel() noexcept {
  pool_->Leave(&checkout_);
  Complete(tasks::Outcome::Cancelled(Phase::kPool));
}

void AcquireOperation::OnGranted(Member* member) noexcept {
  Ref<ConnectionLease> lease;
  try {
    lease = ConnectionLease::Make(pool_.ref(), member, false);
  } catch (const std::bad_alloc&) {
    member->connection().Lose(NoMemoryError());
    return Complete(tasks::Outcome::Failed(NoMemoryError()));
  }
  tasks::Outcome outcome;
  outcome.owned = true;
  outcome.value = AddObject(Kind::kConnection, lease, loop());
  if (outcome.value == 0) {
    lease->End();
    return Complete(tasks::Outcome::Failed(NoMemoryError()));
  }
  CompleteWithLease(std::move(outcome), lease.get());
}

}  // namespace creche::pg
