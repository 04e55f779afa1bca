// Pool: opening connections.
#include <algorithm>
#include <new>

#include "pg/pool.h"
#include "pg/protocol/server_error.h"
#include "tasks/log.h"

namespace creche::pg {

namespace {

// After failures of connecting, the next attempt waits longer and longer.
Nanos Backoff(uint32_t failures) {
  const Nanos delay = 10 * kMillisecond << std::min(failures, 8u);
  return std::min(delay, 2 * kSecond);
}

}  // namespace

void Pool::Grow() noexcept {
  while (!begun_close_ && !full()) {
    const bool asked = opening() < waiting();
    if (!asked && size() >= floor()) return;
    // After a failure, and at the start, one goes ahead; the others follow when it has succeeded.
    const bool alone = failures_ > 0 || (!asked && shared_.counters.connects.get() == 0);
    if ((connect_at_ != 0 && loop_->now() < connect_at_) || (alone && opening() > 0)) return;
    try {
      if (!resolver_)
        resolver_ = std::make_unique<Resolver>(*loop_, loop_->workers(WorkKind::kDns),
                                               Resolver::Options{.spread = false});
      const LibpqConnector::Shared connecting{*resolver_, known_addresses_, options_.calls};
      auto connector = std::make_unique<LibpqConnector>(
          *loop_, connecting, static_cast<LibpqConnector::Listener&>(*this), dsn_,
          options_.application_name, options_.connect_timeout);
      if (ErrorRef why = connector->Start()) return Failed(why);
      connectors_.push_back(std::move(connector));
    } catch (const std::bad_alloc&) {
      return Failed(NoMemoryError());
    }
  }
}

void Pool::Retire(LibpqConnector* connector) noexcept {
  const auto it = std::find_if(connectors_.begin(), connectors_.end(),
                               [=](const auto& c) { return c.get() == connector; });
  retired_connectors_.push_back(std::move(*it));
  connectors_.erase(it);
  destroy_job_.Submit(*loop_);
}

void Pool::OnConnected(LibpqConnector* connector, std::unique_ptr<Endpoint> endpoint) noexcept {
  Retire(connector);
  const Connection::Settings settings{
      .session = {.prepare = options_.prepare && options_.statement_cache > 0,
                  .statement_cache = options_.statement_cache,
                  .statement_lifetime = options_.statement_lifetime,
                  .role = connector->role()},
      .depth = options_.pipeline ? std::max(options_.pipeline_depth, 1u) : 1,
      .cancel_timeout = options_.cancel_timeout};
  try {
    auto made = std::make_unique<Member>(*this, *loop_, std::move(endpoint), settings, shared_,
                                         reset_statements_);
    if (init_) made->SetInit(*init_, options_.connect_timeout);
    made->began = connector->began();
    made->starting = true;
    made->expires = ExpiryOfNext();
    expires_at_ = std::min(expires_at_, made->expires);
    if (const int failed = made->connection().Start()) {
      Failed(UnwatchedError(Phase::kConnect, failed, kUnsent | kRetryable));
      return Serve();
    }
    members_.push_back(std::move(made));
  } catch (const std::bad_alloc&) {
    Failed(NoMemoryError());
    return Serve();
  }
  starting_++;
  Member* const member = members_.back().get();
  if (InitScript* init = member->init()) {
    member->set_state(Member::State::kResetting);
    init->Begin();
  } else {
    Rest(member);
  }
  Serve();
}

void Pool::OnStarted(Member* member) noexcept {
  member->starting = false;
  starting_--;
  failures_ = 0;
  connect_at_ = 0;
  connect_error_ = nullptr;
  shared_.counters.connects.Add();
  const Nanos took = loop_->now() - member->began;
  shared_.counters.connect.Add(took);
  tasks::Log(*loop_, tasks::LogLevel::kDebug, tasks::LogEvent::kConnected, id(),
             "a connection to PostgreSQL is open",
             [&](tasks::LogRecord* record) { record->Add("ms", took / kMillisecond); });
  if (members_.size() - starting_ >= std::min<size_t>(options_.initial_size, max_)) filled_ = true;
}

// Who has waited longest is told; a connection that was lost meanwhile is nobody's fault.
void Pool::OnStartFailed(const ErrorRef& why) noexcept {
  if (Checkout* first = Oldest(); first && why->status() != Status::kDisconnected) {
    TakeOut(first);
    first->OnRefused(why);
    return CountFailure(why);  // the next one gets another
  }
  Failed(why);
}

std::shared_ptr<void> Pool::OnAsking() {
  return std::make_shared<tasks::ResidentUse<Pool>>(Ref<Pool>::Share(this));
}

void Pool::OnConnectFailed(LibpqConnector* connector, ErrorRef error) noexcept {
  Retire(connector);
  Failed(error);
  Serve();
}

void Pool::CountFailure(const ErrorRef& why) noexcept {
  shared_.counters.connect_failures.Add();
  tasks::Log(*loop_, tasks::LogLevel::kWarn, tasks::LogEvent::kConnectFailed, id(),
             "no connection to PostgreSQL could be opened",
             [&](tasks::LogRecord* record) { record->AddError(*why); });
  connect_at_ = After(loop_->now(), Backoff(failures_++));
  connect_error_ = why;
}

void Pool::Failed(const ErrorRef& why) noexcept {
  CountFailure(why);
  // With other connections there is hope, and so there is if the server is only full or starting:
  // who waits does so until acquire_timeout. All else is told at once.
  const bool passes = HasState(why, "53300") || HasState(why, "57P03");
  if (members_.empty() && connectors_.empty() && !passes) RefuseAll(why);
}

}  // namespace creche::pg
