#include "pg/pool.h"

#include <algorithm>
#include <utility>

#include "pg/connection_lease.h"
#include "pg/protocol/server_error.h"
#include "platform/user_code.h"
#include "tasks/log.h"

namespace creche::pg {

namespace {

// Null if there is none.
std::unique_ptr<const Statement> ScriptOf(const std::string& sql) {
  return sql.empty() ? nullptr : std::make_unique<const Statement>(Statement::Script(sql));
}

}  // namespace

ErrorRef Pool::ClosedError(Phase phase) noexcept {
  return MakeError(Status::kClosed, phase, "the pool was closed");
}

Pool::Pool(Ref<Loop> loop, const char* dsn, const PoolOptions& options)
    : loop_(std::move(loop)),
      dsn_(dsn ? std::make_shared<const std::string>(dsn) : nullptr),
      options_(options),
      init_(ScriptOf(options.init)),
      setup_(ScriptOf(options.setup)),
      asked_(uint64_t{options.min_size} << 32 | options.max_size),
      uses_(*loop_, this, options.queue),
      timer_(*loop_, OnTimer, this),
      min_(options.min_size),
      max_(options.max_size),
      filled_(options.initial_size == 0) {
  MakeRoom(max_);
  if (options_.calls.notice) shared_.notices = this;
}

Status Pool::Open(Ref<Loop> loop, const char* dsn, const PoolOptions& options, Ref<Pool>* pool) {
  auto made = Ref<Pool>::Adopt(new Pool(std::move(loop), dsn, options));
  made->self_ = made;
  Status status = tasks::CheckQueue(made->loop(), options.queue);
  if (status == Status::kOk) status = tasks::AddResident(made->loop(), made.get());
  if (status != Status::kOk) {
    made->self_ = nullptr;
    return status;
  }
  if (options.min_size > 0 || options.initial_size > 0) made->serve_job_.Submit(made->loop());
  *pool = std::move(made);
  return Status::kOk;
}

// ---- Closing ----

Status Pool::Close(const tasks::StartArgs& args) {
  const Status status = uses_.Tell(args, id());
  if (status == Status::kOk) Released();
  return status;
}

void Pool::Released() noexcept {
  closing_.store(true);
  if (!close_asked_.exchange(true)) close_job_.Submit(*loop_);
}

void Pool::CloseForLoop() noexcept {
  for_loop_ = true;
  BeginClose();
}

void Pool::RefuseAll(const ErrorRef& why) noexcept {
  while (Checkout* checkout = Oldest()) {
    TakeOut(checkout);
    checkout->OnRefused(why);
  }
}

void Pool::BeginClose() noexcept {
  if (begun_close_) return;
  begun_close_ = true;
  closing_.store(true);
  const Ref<Pool> keep = Ref<Pool>::Share(this);
  connectors_.clear();
  timer_.Disarm();
  uses_.Begin("the pool was closed");
  RefuseAll(ClosedError(Phase::kPool));
  const ErrorRef why = ClosedError(Phase::kQuery);
  // From the end: those that are idle go at once.
  for (size_t i = members_.size(); i-- > 0;) {
    Member* member = members_[i].get();
    Connection& connection = member->connection();
    connection.BeginClose(why);
    if (!connection.lost() && connection.idle()) Retire(member);
  }
  MaybeClosed();
}

void Pool::MaybeClosed() noexcept {
  if (!begun_close_ || closed_ || !members_.empty() || !retired_.empty() ||
      !retired_connectors_.empty())
    return;
  closed_ = true;
  resolver_ = nullptr;
  const Ref<Pool> last = std::move(self_);
  if (for_loop_) {
    gone_.store(true);
    ForgetObject(id());
  }
  uses_.Closed();
}

// ---- What the user is told ----

void Pool::OnNotice(const ServerFields& fields) noexcept {
  ErrorRef notice = ServerNotice(fields);
  if (notice->status() != Status::kOk) return;  // no memory: it is not an answer
  try {
    notices_.push_back(std::move(notice));
  } catch (const std::bad_alloc&) {
    return;
  }
  notices_job_.Submit(*loop_);
}

void Pool::TellNotices() noexcept {
  for (const ErrorRef& notice : std::exchange(notices_, {}))
    if (!closed_) platform::CallUser(options_.calls.notice, options_.calls.user, &notice->fields());
}

// ---- The life of a connection ----

void Member::OnProgress() noexcept {
  pool_.OnProgress(this);
}

void Member::OnLost(const ErrorRef& why) noexcept {
  pool_.OnLost(this, why);
}

void Member::OnNotification(uint32_t process, std::string_view channel,
                            std::string_view payload) noexcept {
  if (holder_ && holder_->watcher) holder_->watcher->OnNotification(process, channel, payload);
}

void Pool::OnProgress(Member* member) noexcept {
  // Whoever holds it alone is served by it, not by the pool.
  Connection& connection = member->connection();
  if (connection.lost() || (member->holder() && !begun_close_)) return;
  if (connection.idle()) {
    if (begun_close_) {
      Retire(member);
      return MaybeClosed();
    }
    if (member->state() != Member::State::kIdle) Rest(member);
  } else {
    sharing_.Update(member);
    if (waiting() == 0 && !reserving_) return;
  }
  Serve();
}

void Pool::OnLost(Member* member, const ErrorRef& why) noexcept {
  // One that nobody wants any more has not failed.
  if (why->status() != Status::kCancelled) {
    shared_.counters.dropped.Add();
    tasks::Log(*loop_, tasks::LogLevel::kWarn, tasks::LogEvent::kDropped, id(),
               "a connection to PostgreSQL was lost",
               [&](tasks::LogRecord* record) { record->AddError(*why); });
  }
  if (ConnectionLease* lease = member->holder()) lease->set_why(why);
  const bool starting = member->starting;
  Retire(member);
  if (starting && !begun_close_) OnStartFailed(why);
  Serve();
  MaybeClosed();
}

void Pool::Retire(Member* member) noexcept {
  std::erase(idle_, member);
  sharing_.Remove(member);
  if (std::exchange(member->starting, false)) starting_--;
  const auto it = std::find_if(members_.begin(), members_.end(),
                               [=](const auto& m) { return m.get() == member; });
  if (it == members_.end()) return;
  if (ConnectionLease* lease = member->holder()) {
    member->set_holder(nullptr, false);
    leased_--;
    lease->Lost();
  }
  // Somebody may be inside it, or hold a pointer to it for the rest of this turn.
  retired_.push_back(std::move(*it));
  members_.erase(it);
  destroy_job_.Submit(*loop_);
  Count();
}

void Pool::DestroyRetired() noexcept {
  retired_.clear();
  retired_connectors_.clear();
  MaybeClosed();
}

}  // namespace creche::pg
