#include "pg/op/listen_operation.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "pg/connection.h"
#include "tasks/log.h"

namespace creche::pg {

using tasks::Outcome;

namespace {

ErrorRef NoSign() noexcept {
  return MakeError(Status::kDisconnected, Phase::kQuery,
                   "the server gave no sign of life for a heartbeat: the connection was dropped");
}

ErrorRef NotWanted() noexcept {
  return MakeError(Status::kCancelled, Phase::kQuery, "nobody listens any more");
}

}  // namespace

ListenOperation::ListenOperation(tasks::ResidentUse<Pool> pool, const std::string& sql,
                                 const ListenOptions& options)
    : pool_(std::move(pool)),
      listen_(Statement::Script(sql)),
      beat_(Statement::Script("SELECT 1")),
      options_(options) {}

ListenOperation::~ListenOperation() {
  if (budget_) budget_->Forget();
}

void ListenOperation::Start() noexcept {
  if (pool_->closing() && closed_in_line())
    return End(Outcome::Failed(Pool::ClosedError(Phase::kLimit)));
  if (listen_.error()) return End(Outcome::Failed(listen_.error()));
  try {
    budget_ = MakeRef<BlockBudget>(this, loop());
    timer_ = std::make_unique<Timer>(loop(), OnTimer, this);
  } catch (const std::bad_alloc&) {
    return End(Outcome::Failed(NoMemoryError()));
  }
  pool_->Wait(&checkout_, false, 0);
}

void ListenOperation::Cancel() noexcept {
  if (stage_ == Stage::kEnded) return;
  if (stage_ == Stage::kWaiting) pool_->Leave(&checkout_);
  End(Outcome::Cancelled(stage_ == Stage::kWaiting ? Phase::kPool : Phase::kQuery));
}

void ListenOperation::End(Outcome outcome) noexcept {
  stage_ = Stage::kEnded;
  if (timer_) timer_->Disarm();
  if (lease_) {
    // What it listens to is nobody else's.
    if (Connection* connection = lease_->connection()) connection->Lose(NotWanted());
    lease_->watcher = nullptr;
    lease_->End();
  }
  Complete(std::move(outcome));
}

void ListenOperation::OnGranted(Member* member) noexcept {
  try {
    lease_ = ConnectionLease::Make(pool_.ref(), member, true);
  } catch (const std::bad_alloc&) {
    member->connection().Lose(NoMemoryError());
    return Pause();
  }
  lease_->watcher = this;
  stage_ = Stage::kStarting;
  if (options_.heartbeat != kNever && !timer_->Arm(After(loop().now(), options_.heartbeat)))
    return lease_->connection()->Lose(NoMemoryError());
  Submit(&listen_);
}

void ListenOperation::OnRefused(const ErrorRef& why) noexcept {
  if (!told_ || pool_->closing()) return End(Outcome::Failed(why));
  Pause();
}

void ListenOperation::Submit(const Statement* statement) noexcept {
  running_ = true;
  run_.Run(statement);
  lease_->connection()->Submit(&run_);
}

void ListenOperation::OnEnd(Ending ending) noexcept {
  running_ = false;
  if (stage_ == Stage::kEnded || !lease_) return;
  if (!ending.error) {
    losses_ = 0;
    if (!Begin()) lease_->connection()->Lose(NoMemoryError());
    return;
  }
  // At first a failure is one: a server in recovery cannot listen.
  if (!told_ && !pool_->closing()) return End(Outcome::Failed(std::move(ending.error)));
  // Of one that was lost OnLeaseLost follows.
  Connection* connection = lease_->connection();
  if (connection && !connection->lost()) connection->Lose(ending.error);
}

// LISTEN was committed: says so, once for each connection. False without memory.
bool ListenOperation::Begin() noexcept {
  if (stage_ != Stage::kStarting) return true;
  if (!Tell(told_ ? Notification::kGap : Notification::kStarted, 0, {}, {})) return false;
  stage_ = Stage::kListening;
  return told_ = true;
}

void ListenOperation::OnLeaseLost() noexcept {
  if (stage_ == Stage::kEnded) return;
  lease_->watcher = nullptr;
  lease_->End();
  lease_ = nullptr;
  if (pool_->closing()) return End(Outcome::Failed(Pool::ClosedError(Phase::kQuery)));
  Pause();
}

// Not at once: the pool is in the middle of giving the lost one up.
void ListenOperation::Pause() noexcept {
  constexpr Nanos kFirst = 10 * kMillisecond, kLongest = 2 * kSecond;
  stage_ = Stage::kPausing;
  const Nanos delay = std::min(kLongest, kFirst << std::min(losses_++, 8u));
  tasks::Log(loop(), tasks::LogLevel::kInfo, tasks::LogEvent::kReconnect, task_id(),
             "who listens gets another connection", [&](tasks::LogRecord* record) {
               record->Add("attempt", int64_t{losses_});
               record->Add("delay_ms", delay / kMillisecond);
             });
  if (!timer_->Arm(After(loop().now(), delay))) End(Outcome::Failed(NoMemoryError()));
}

void ListenOperation::OnTimer(void* arg) noexcept {
  auto* self = static_cast<ListenOperation*>(arg);
  if (self->stage_ == Stage::kPausing) {
    self->stage_ = Stage::kWaiting;
    self->checkout_.Renew();
    self->pool_->Wait(&self->checkout_, false, 0);
  } else if (self->stage_ == Stage::kStarting || self->stage_ == Stage::kListening) {
    self->Beat();
  }
}

void ListenOperation::Beat() noexcept {
  Connection* connection = lease_->connection();
  if (!connection) return;
  if (running_) return connection->Lose(NoSign());
  if (!timer_->Arm(After(loop().now(), options_.heartbeat)))
    return connection->Lose(NoMemoryError());
  Submit(&beat_);
}

void ListenOperation::OnNotification(uint32_t process, std::string_view channel,
                                     std::string_view payload) noexcept {
  if (stage_ == Stage::kEnded) return;
  // It may come before the answer to LISTEN, and is told behind what that means.
  if (Begin())
    Tell(Notification::kNotification, process, channel, payload);
  else
    dropped_++;
}

// False without memory; of a notification: it is counted then, as one for which there is no room.
bool ListenOperation::Tell(Notification::What what, uint32_t process, std::string_view channel,
                           std::string_view payload) noexcept {
  const bool counts = what == Notification::kNotification;
  if (counts && budget_->held() >= options_.max_held) {
    dropped_++;
    return true;
  }
  Outcome outcome;
  outcome.what = tasks::What::kNotify;
  outcome.owned = true;
  try {
    const size_t size = sizeof(Notification) + channel.size() + payload.size() + 2;
    Ref<Rows> block = Rows::MakeBytes(size);
    char* const text = block->memory() + sizeof(Notification);
    char* const behind = text + channel.size() + 1;
    if (!channel.empty()) std::memcpy(text, channel.data(), channel.size());
    text[channel.size()] = '\0';
    if (!payload.empty()) std::memcpy(behind, payload.data(), payload.size());
    behind[payload.size()] = '\0';
    auto* said =
        new (block->memory()) Notification{what, process, dropped_, text, behind, payload.size()};
    block->set_listener(budget_);
    outcome.data = said;
    outcome.size = sizeof *said;
    outcome.value = AddObject(Kind::kRows, std::move(block), loop());
  } catch (const std::bad_alloc&) {
  }
  const uint64_t id = outcome.value;
  if (id != 0) budget_->Given();
  if (id != 0 && Deliver(std::move(outcome))) {
    dropped_ = 0;
    return true;
  }
  if (id != 0) ReleaseObject(id);
  dropped_ += counts;
  return false;
}

}  // namespace creche::pg
