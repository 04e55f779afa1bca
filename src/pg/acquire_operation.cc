#include "pg/acquire_operation.h"

#include <new>

namespace creche::pg {

void AcquireOperation::Start() noexcept {
  if (pool_->closing() && closed_in_line()) return OnRefused(Pool::ClosedError(Phase::kLimit));
  pool_->Wait(this, false, 0);
}

void AcquireOperation::Cancel() noexcept {
  pool_->Leave(this);
  Complete(tasks::Outcome::Cancelled(Phase::kPool));
}

void AcquireOperation::OnConnection(Connection* connection) noexcept {
  Ref<ConnectionLease> lease;
  try {
    lease = ConnectionLease::Make(pool_.ref(), connection, false);
  } catch (const std::bad_alloc&) {
    connection->Lose(NoMemoryError());
    return Complete(tasks::Outcome::Failed(NoMemoryError()));
  }
  tasks::Outcome outcome;
  outcome.owned = true;
  outcome.value = AddObject(Kind::kConnection, lease, loop().id());
  if (outcome.value == 0) {
    lease->End();
    return Complete(tasks::Outcome::Failed(NoMemoryError()));
  }
  CompleteWithLease(std::move(outcome), lease.get());
}

}  // namespace creche::pg
