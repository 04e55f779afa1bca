#include "pg/op/acquire_operation.h"

#include <new>
#include <utility>

namespace creche::pg {

void AcquireOperation::Start() noexcept {
  if (pool_->closing() && closed_in_line()) return OnRefused(Pool::ClosedError(Phase::kLimit));
  pool_->Wait(&checkout_, false, 0);
}

void AcquireOperation::Cancel() noexcept {
  if (lease_) {
    stopping_ = true;
    Connection* connection = lease_->connection();
    if (connection && setup_->Stop()) GiveBack(tasks::Outcome::Cancelled(Phase::kPool));
    return;
  }
  pool_->Leave(&checkout_);
  Complete(tasks::Outcome::Cancelled(Phase::kPool));
}

void AcquireOperation::OnGranted(Member* member) noexcept {
  Ref<ConnectionLease> lease;
  try {
    if (const Statement* script = pool_->setup())
      setup_ = std::make_unique<SetupScript>(static_cast<SetupScript::Owner&>(*this), loop(),
                                             *script, pool_->acquire_timeout());
    lease = ConnectionLease::Make(pool_.ref(), member, false);
  } catch (const std::bad_alloc&) {
    member->connection().Lose(NoMemoryError());
    return Complete(tasks::Outcome::Failed(NoMemoryError()));
  }
  if (!setup_) return HandOut(lease);
  lease_ = std::move(lease);
  setup_->Begin(lease_->connection());
}

void AcquireOperation::OnSetUp(Ending ending) noexcept {
  if (stopping_) return GiveBack(tasks::Outcome::Cancelled(Phase::kPool));
  if (!ending.error) return HandOut(std::exchange(lease_, nullptr));
  // Nothing was lost with a connection that was dead already.
  const bool lost = !lease_->connection() || lease_->connection()->lost();
  if (ending.answered || pool_->closing() || !lost || ++losses_ > kMaxLosses)
    return GiveBack(tasks::Outcome::Failed(std::move(ending.error)));
  std::exchange(lease_, nullptr)->End();
  pool_->Wait(&checkout_, false, 0);
}

void AcquireOperation::GiveBack(tasks::Outcome outcome) noexcept {
  std::exchange(lease_, nullptr)->End();
  Complete(std::move(outcome));
}

void AcquireOperation::HandOut(const Ref<ConnectionLease>& lease) noexcept {
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
