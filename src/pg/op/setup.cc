#include "pg/op/setup.h"

#include <new>
#include <string>
#include <utility>

namespace creche::pg {

namespace {

ErrorRef OpenError(const char* what) noexcept {
  try {
    return MakeError(ErrorInfo{.status = Status::kState,
                               .phase = Phase::kPool,
                               .message = std::string(what) +
                                          " of creche_pool_calls leaves a transaction open: end it "
                                          "before creche_task_finish"});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace

ErrorRef BodyError(const tasks::Outcome& outcome, const ConnectionLease& lease, const char* what,
                   bool may_leave_open) noexcept {
  Connection* const connection = lease.connection();
  const bool cancelled = outcome.status == Status::kCancelled;
  if (cancelled && lease.pool().closing()) return Pool::ClosedError(Phase::kPool);
  if (outcome.error) return outcome.error;
  if (cancelled)
    return MakeError(Status::kClosed, Phase::kPool,
                     "what the pool runs on a connection was cancelled: the loop is closing");
  if (!connection) return lease.Gone(Phase::kPool);
  const bool open = !lease.levels.empty() || connection->session().maybe_in_transaction;
  return open && !may_leave_open ? OpenError(what) : nullptr;
}

Setup::Setup(Owner& owner, tasks::Operation& operation, Pool& pool)
    : owner_(owner), operation_(operation), pool_(pool) {
  if (const Statement* script = pool.setup())
    script_.emplace(static_cast<SetupScript::Owner&>(*this), pool.loop(), *script,
                    pool.acquire_timeout());
}

void Setup::Begin(const Ref<ConnectionLease>& lease) noexcept {
  lease_ = lease;
  until_ = After(pool_.loop().now(), pool_.acquire_timeout());
  if (script_) return script_->Begin(lease->connection());
  OnSetUp({.answered = true});
}

bool Setup::Stop() noexcept {
  stopping_ = true;
  // The body is told by the tree, and its end is awaited.
  return script_ && lease_->connection() && script_->Stop();
}

void Setup::OnSetUp(Ending ending) noexcept {
  script_.reset();
  const PoolCalls& calls = pool_.calls();
  if (ending.error || stopping_ || !calls.setup) return owner_.OnSetUp(std::move(ending));
  const tasks::TaskOptions options{.name = "setup", .deadline = until_};
  if (!tasks::StartBody(operation_, calls.setup, calls.user, lease_->id(), this, &options))
    owner_.OnSetUp({.error = NoMemoryError(), .answered = true});
}

void Setup::BodyEnded(tasks::Outcome outcome) noexcept {
  owner_.OnSetUp({.error = BodyError(outcome, *lease_, "setup", false), .answered = true});
}

}  // namespace creche::pg
