#include "pg/pool.h"

#include <libpq-fe.h>

#include <algorithm>
#include <new>

#include "pg/connection_lease.h"
#include "pg/server_error.h"

namespace creche::pg {

namespace {

// After failures of connecting, the next attempt waits longer and longer.
Nanos Backoff(uint32_t failures) {
  const Nanos delay = 10 * kMillisecond << std::min(failures, 8u);
  return std::min(delay, 2 * kSecond);
}

}  // namespace

ErrorRef Pool::ClosedError(Phase phase) noexcept {
  return MakeError(Status::kClosed, phase, "the pool was closed");
}

Pool::Pool(Ref<Loop> loop, const char* dsn, const PoolOptions& options)
    : loop_(std::move(loop)),
      dsn_(dsn ? std::make_shared<const std::string>(dsn) : nullptr),
      options_(options),
      uses_(*loop_, this, options.queue),
      timer_(*loop_, OnTimer, this) {
  // What is moved between these later must not fail half-way.
  members_.reserve(options.max_size);
  idle_.reserve(options.max_size);
  connectors_.reserve(options.max_size);
  retired_.reserve(options.max_size);
  retired_connectors_.reserve(options.max_size);
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
  if (options.min_size > 0) made->serve_job_.Submit(made->loop());
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
  while (Waiter* waiter = Oldest()) {
    Leave(waiter);
    waiter->OnRefused(why);
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
    Connection* connection = members_[i].get();
    connection->BeginClose(why);
    if (!connection->lost() && connection->idle()) Retire(connection);
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

// ---- Opening connections ----

void Pool::Grow() noexcept {
  const Nanos now = loop_->now();
  while (!begun_close_ && size() < options_.max_size) {
    const size_t waiting = alone_.size() + shareable_.size();
    const bool wanted = connectors_.size() < waiting || size() < options_.min_size;
    // After a failure one goes ahead; the others follow when it has succeeded.
    if (!wanted || now < connect_at_ || (failures_ > 0 && !connectors_.empty())) return;
    try {
      if (!resolver_)
        resolver_ = std::make_unique<Resolver>(*loop_, loop_->workers(WorkKind::kDns),
                                               Resolver::Options{.spread = false});
      const Connector::Shared connecting{*resolver_, known_addresses_};
      auto connector =
          std::make_unique<Connector>(*loop_, connecting, static_cast<Connector::Listener&>(*this),
                                      dsn_, options_.application_name, options_.connect_timeout);
      if (ErrorRef why = connector->Start()) return Failed(why);
      connectors_.push_back(std::move(connector));
    } catch (const std::bad_alloc&) {
      return Failed(NoMemoryError());
    }
  }
}

void Pool::OnConnected(Connector* connector, pg_conn* connected) noexcept {
  const auto it = std::find_if(connectors_.begin(), connectors_.end(),
                               [=](const auto& c) { return c.get() == connector; });
  retired_connectors_.push_back(std::move(*it));
  connectors_.erase(it);
  destroy_job_.Submit(*loop_);
  failures_ = 0;
  connect_at_ = 0;
  connect_error_ = nullptr;
  const Connection::Settings settings{
      .prepare = options_.prepare && options_.statement_cache > 0,
      .statement_cache = options_.statement_cache,
      .statement_lifetime = options_.statement_lifetime,
      .depth = options_.pipeline ? std::max(options_.pipeline_depth, 1u) : 1,
      .cancel_timeout = options_.cancel_timeout,
      .role = connector->role()};
  try {
    std::unique_ptr<pg_conn, decltype(&PQfinish)> mine(connected, &PQfinish);
    auto made = std::make_unique<Connection>(*loop_, static_cast<Connection::Owner&>(*this),
                                             connected, settings, shared_);
    (void)mine.release();
    made->books.expires = ExpiryOfNext();
    made->books.tidy = std::make_unique<Tidy>(*made, tidy_statements_);
    if (!made->Start()) throw std::bad_alloc();
    members_.push_back(std::move(made));
  } catch (const std::bad_alloc&) {
    Failed(NoMemoryError());
    return Serve();
  }
  shared_.counters.connects.Add();
  Park(members_.back().get());
  Serve();
}

void Pool::OnConnectFailed(Connector* connector, ErrorRef error) noexcept {
  const auto it = std::find_if(connectors_.begin(), connectors_.end(),
                               [=](const auto& c) { return c.get() == connector; });
  retired_connectors_.push_back(std::move(*it));
  connectors_.erase(it);
  destroy_job_.Submit(*loop_);
  Failed(error);
  Serve();
}

void Pool::Failed(const ErrorRef& why) noexcept {
  connect_at_ = After(loop_->now(), Backoff(failures_++));
  connect_error_ = why;
  // With other connections there is hope, and so there is if the server is only full or starting:
  // who waits does so until acquire_timeout. All else is told at once.
  const bool passes = HasState(why, "53300") || HasState(why, "57P03");
  if (members_.empty() && connectors_.empty() && !passes) RefuseAll(why);
}

// ---- The life of a connection ----

void Pool::OnProgress(Connection* connection) noexcept {
  // Whoever holds it alone is served by it, not by the pool.
  if (connection->lost() || (connection->books.holder && !begun_close_)) return;
  if (connection->idle()) {
    if (begun_close_) {
      Retire(connection);
      return MaybeClosed();
    }
    if (connection->books.use != Connection::Books::Use::kIdle) Park(connection);
  }
  Serve();
}

void Pool::OnLost(Connection* connection, const ErrorRef& why) noexcept {
  shared_.counters.dropped.Add();
  if (ConnectionLease* lease = connection->books.holder) lease->set_why(why);
  Retire(connection);
  Serve();
  MaybeClosed();
}

void Pool::Retire(Connection* connection) noexcept {
  std::erase(idle_, connection);
  const auto it = std::find_if(members_.begin(), members_.end(),
                               [=](const auto& c) { return c.get() == connection; });
  if (it == members_.end()) return;
  if (ConnectionLease* lease = connection->books.holder) {
    connection->books.holder = nullptr;
    leased_--;
    lease->Lost();
  }
  // Somebody may be inside it, or hold a pointer to it for the rest of this turn.
  retired_.push_back(std::move(*it));
  members_.erase(it);
  destroy_job_.Submit(*loop_);
}

void Pool::DestroyRetired() noexcept {
  retired_.clear();
  retired_connectors_.clear();
  MaybeClosed();
}

// ---- Time ----

// Spread over the last tenth of their lifetime, so that those that were opened together do not go
// together.
Nanos Pool::ExpiryOfNext() noexcept {
  constexpr uint32_t kGolden = 0x9e3779b9;  // of 2^32: neighbours fall far apart
  if (options_.max_lifetime == kNever) return kNever;
  const auto share = static_cast<Nanos>((lifetimes_++ * kGolden) >> 22);  // 0 to 1023
  const Nanos earlier = options_.max_lifetime / 10 / 1024 * share;
  return After(loop_->now(), options_.max_lifetime - earlier);
}

void Pool::OnTimer(void* self) noexcept {
  auto* pool = static_cast<Pool*>(self);
  const Ref<Pool> keep = Ref<Pool>::Share(pool);
  pool->Expire(pool->loop_->now());
  pool->Serve();
}

ErrorRef Pool::AcquireTimeout() const noexcept {
  try {
    std::string message =
        "no connection became free in acquire_timeout: raise max_size, or hold "
        "connections for a shorter time";
    if (HasState(connect_error_, "53300"))
      message =
          "no connection became free in acquire_timeout, and the server takes no more: raise its "
          "max_connections (or the limit of the role or database), or hold connections for a "
          "shorter "
          "time";
    if (connect_error_ && members_.empty())
      message = std::string("no connection could be opened in acquire_timeout: ") +
                connect_error_->fields().message;
    return MakeError(ErrorInfo{.status = Status::kTimeout,
                               .phase = Phase::kPool,
                               .message = std::move(message),
                               .flags = kRetryable | kUnsent,
                               .cause = connect_error_});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void Pool::Expire(Nanos now) noexcept {
  for (Waiters* waiters : {&alone_, &shareable_}) {
    while (waiters->first() && waiters->first()->deadline_ <= now) {
      Waiter* waiter = waiters->first();
      waiters->Remove(waiter);
      waiter->OnRefused(AcquireTimeout());
    }
  }
  for (size_t i = idle_.size(); i-- > 0;)
    if (idle_[i]->books.expires <= now) Retire(idle_[i]);
  while (!idle_.empty() && members_.size() > options_.min_size &&
         After(idle_[0]->books.idle_since, options_.idle_timeout) <= now)
    Retire(idle_[0]);
}

void Pool::ArmTimer() noexcept {
  if (begun_close_) return;
  Nanos at = kNever;
  for (const Waiters* waiters : {&alone_, &shareable_})
    if (waiters->first()) at = std::min(at, waiters->first()->deadline_);
  if (!idle_.empty() && members_.size() > options_.min_size)
    at = std::min(at, After(idle_[0]->books.idle_since, options_.idle_timeout));
  if (options_.max_lifetime != kNever)
    for (const Connection* c : idle_) at = std::min(at, c->books.expires);
  const bool wants_more = alone_.size() + shareable_.size() > 0 || size() < options_.min_size;
  if (failures_ > 0 && connectors_.empty() && wants_more) at = std::min(at, connect_at_);
  if (at == timer_at_ && (at == kNever || timer_.armed())) return;
  timer_at_ = at;
  // Without memory nothing else may ever happen here: the next turn tries again.
  if (!timer_.Arm(at)) arm_job_.Submit(*loop_);
}

void Pool::ArmAgain() noexcept {
  if (timer_.armed()) return;
  timer_at_ = kNever;
  Expire(loop_->now());
  Serve();
}

}  // namespace creche::pg
