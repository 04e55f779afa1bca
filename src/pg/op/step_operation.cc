#include "pg/op/step_operation.h"

#include <new>
#include <utility>

#include "pg/op/setup.h"

namespace creche::pg {

namespace {

ErrorRef ExpiredError() noexcept {
  return MakeError(
      Status::kState, Phase::kPool,
      "init of creche_pool_calls has called creche_connection_expire: let it fail with "
      "an error that says why");
}

}  // namespace

void StepOperation::Begin(Ref<Pool> pool, Member* member, Step step) noexcept {
  Loop& loop = pool->loop();
  Ref<ConnectionLease> lease;  // outlives what is made of it
  Status status = Status::kNoMemory;
  try {
    lease = ConnectionLease::Make(std::move(pool), member, true);
    if (AddObject(Kind::kConnection, lease, loop) != 0)
      status = tasks::StartInLoop(loop, std::make_unique<StepOperation>(lease, step));
  } catch (const std::bad_alloc&) {
    status = Status::kNoMemory;
  }
  if (status == Status::kOk) return;
  if (lease) ForgetObject(lease->id());
  member->connection().Lose(status == Status::kNoMemory ? NoMemoryError()
                                                        : Pool::ClosedError(Phase::kPool));
}

void StepOperation::Start() noexcept {
  const PoolCalls& calls = pool_->calls();
  const bool init = step_ == Step::kInit;
  const tasks::TaskOptions options{
      .name = name(), .timeout = init ? pool_->connect_timeout() : pool_->acquire_timeout()};
  if (!tasks::StartBody(*this, init ? calls.init : calls.reset, calls.user, lease_->id(), this,
                        &options))
    End(NoMemoryError());
}

void StepOperation::Drop() noexcept {
  End(Pool::ClosedError(Phase::kPool));
}

void StepOperation::BodyEnded(tasks::Outcome outcome) noexcept {
  const bool init = step_ == Step::kInit;
  ErrorRef why = BodyError(outcome, *lease_, name(), !init);
  if (!why && init && lease_->expired()) why = ExpiredError();
  End(why);
}

void StepOperation::End(const ErrorRef& why) noexcept {
  ForgetObject(lease_->id());
  Connection* const connection = lease_->connection();
  if (connection && why)
    connection->Lose(why);
  else
    lease_->End();
  Complete({});
}

}  // namespace creche::pg
