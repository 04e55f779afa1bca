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
    if (Setup::Wanted(*pool_))
      setup_ = std::make_unique<Setup>(static_cast<Setup::Owner&>(*this), *this, *pool_);
    lease = ConnectionLease::Make(pool_.ref(), member, setup_ != nullptr);
  } catch (const std::bad_alloc&) {
    member->connection().Lose(NoMemoryError());
    return Complete(tasks::Outcome::Failed(NoMemoryError()));
  }
  if (!setup_) return HandOut(lease);
  lease_ = std::move(lease);
  // For its time only.
  if (AddObject(Kind::kConnection, lease_, loop()) == 0)
    return GiveBack(tasks::Outcome::Failed(NoMemoryError()));
  setup_->Begin(lease_);
}

void AcquireOperation::OnSetUp(Ending ending) noexcept {
  if (stopping_) return GiveBack(tasks::Outcome::Cancelled(Phase::kPool));
  if (!ending.error) return HandOut(std::exchange(lease_, nullptr));
  // Nothing was lost with a connection that was dead already.
  const bool lost = !lease_->connection() || lease_->connection()->lost();
  if (ending.answered || pool_->closing() || !lost || ++losses_ > kMaxLosses)
    return GiveBack(tasks::Outcome::Failed(std::move(ending.error)));
  ForgetObject(lease_->id());
  std::exchange(lease_, nullptr)->End();
  pool_->Wait(&checkout_, false, 0);
}

void AcquireOperation::GiveBack(tasks::Outcome outcome) noexcept {
  ForgetObject(lease_->id());
  std::exchange(lease_, nullptr)->End();
  Complete(std::move(outcome));
}

void AcquireOperation::HandOut(const Ref<ConnectionLease>& lease) noexcept {
  ForgetObject(lease->id());
  lease->HandOver();
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
