// Pool: who gets which connection.
#include <algorithm>
#include <new>

#include "pg/connection_lease.h"
#include "pg/pool.h"

namespace creche::pg {

using Use = Connection::Books::Use;

void Pool::Wait(Waiter* waiter, bool shareable, uint64_t hash) noexcept {
  if (begun_close_) return waiter->OnRefused(ClosedError(Phase::kPool));
  const bool again = waiter->ticket_ != 0;
  waiter->candidate_ = shareable && options_.pipeline;
  waiter->hash_ = hash;
  waiter->shareable_ = MayShare(*waiter);
  // The way of nearly all when there is room: no queue, no timer.
  if (!serving_ && !idle_.empty() && !Oldest()) {
    if (Connection* connection = PopIdle()) {
      Grant(waiter, connection, UseOf(*waiter));
      return shared_.counters.idle.Set(idle_.size());
    }
  }
  if (!again) {
    if (options_.max_waiting != 0 && alone_.size() + shareable_.size() >= options_.max_waiting &&
        size() >= options_.max_size && !(waiter->shareable_ && LeastLoaded()))
      return waiter->OnRefused(MakeError(
          Status::kLimit, Phase::kPool,
          "max_waiting operations wait for a connection already: start fewer at a time (a "
          "group's limit), or raise max_size",
          kRetryable | kUnsent));
    waiter->ticket_ = next_ticket_++;
    waiter->deadline_ = After(loop_->now(), options_.acquire_timeout);
  }
  (waiter->shareable_ ? shareable_ : alone_).Add(waiter);
  Serve();
}

bool Pool::Leave(Waiter* waiter) noexcept {
  if (!waiter->queued_) return false;
  (waiter->shareable_ ? shareable_ : alone_).Remove(waiter);
  if (alone_.size() == 0 && reserving_) Serve();
  // Nobody need be served for a waiter to go: it was cancelled.
  shared_.counters.waiting.Set(alone_.size() + shareable_.size());
  return true;
}

Waiter* Pool::Oldest() const noexcept {
  Waiter* a = alone_.first();
  Waiter* b = shareable_.first();
  if (!a || !b) return a ? a : b;
  return a->ticket_ < b->ticket_ ? a : b;
}

// It was unknown when it came, and may have become known while it waited.
bool Pool::MayShare(const Waiter& waiter) noexcept {
  return waiter.shareable_ || (waiter.candidate_ && shared_.history.IsShort(waiter.hash_));
}

Use Pool::UseOf(const Waiter& waiter) noexcept {
  return MayShare(waiter) ? Use::kShared : Use::kTaken;
}

Waiter* Pool::OldestSharing() noexcept {
  Waiter* a = alone_.first();
  Waiter* b = shareable_.first();
  if (!a || !MayShare(*a)) return b;
  return !b || a->ticket_ < b->ticket_ ? a : b;
}

// What is granted may fail, wait again or end inside, and so come back here: no recursion.
void Pool::Serve() noexcept {
  if (serving_) {
    serve_again_ = true;
    return;
  }
  serving_ = true;
  do {
    serve_again_ = false;
    ServeOnce();
  } while (serve_again_);
  serving_ = false;
  ArmTimer();
  shared_.counters.connections.Set(members_.size());
  shared_.counters.idle.Set(idle_.size());
  shared_.counters.leased.Set(leased_);
  shared_.counters.waiting.Set(alone_.size() + shareable_.size());
}

void Pool::ServeOnce() noexcept {
  if (begun_close_) return;
  while (Waiter* waiter = Oldest()) {
    Connection* connection = PopIdle();
    if (!connection) break;
    Leave(waiter);
    Grant(waiter, connection, UseOf(*waiter));
  }
  Grow();
  if (size() < options_.max_size) return;
  // None to spare: those who may share one do.
  while (Waiter* waiter = OldestSharing()) {
    Connection* connection = LeastLoaded();
    if (!connection) break;
    Leave(waiter);
    Grant(waiter, connection, Use::kShared);
  }
  Reserve();
}

Connection* Pool::PopIdle() noexcept {
  while (!idle_.empty()) {
    Connection* connection = idle_.back();
    idle_.pop_back();
    if (!connection->StillThere()) continue;
    if (!connection->unwanted()) {
      connection->books.looked = true;
      return connection;
    }
    Retire(connection);
  }
  return nullptr;
}

void Pool::Grant(Waiter* waiter, Connection* connection, Use use) noexcept {
  connection->books.use = use;
  waiter->OnConnection(connection);
}

Connection* Pool::LeastLoaded() noexcept {
  if (!options_.pipeline) return nullptr;
  Connection* best = nullptr;
  Connection* going = nullptr;  // the best of those that will send something anyway
  const size_t count = members_.size();
  const Nanos now = loop_->turn_time();
  for (size_t i = 0; i < count; i++) {
    Connection* c = members_[(next_shared_ + i) % count].get();
    if (c->books.use != Use::kShared || c->books.reserved || !c->shareable()) continue;
    if (c->books.expires <= now) continue;  // it ends with what it has
    if (!best || c->load() < best->load()) best = c;
    if (c->sends_soon() && (!going || c->load() < going->load())) going = c;
  }
  next_shared_++;
  // What goes together costs one send and wakes one server process.
  return going && going->load() <= best->load() + best->load() / 2 ? going : best;
}

// Who needs a connection alone must not starve because others keep all of them busy: for each one
// that waits, one shared connection takes no more until it is idle.
void Pool::Reserve() noexcept {
  if (alone_.size() == 0 && !reserving_) return;
  reserving_ = alone_.size() > 0;
  size_t reserved = 0;
  for (const auto& c : members_) {
    if (!reserving_ || c->books.use != Use::kShared) c->books.reserved = false;
    reserved += c->books.reserved;
  }
  while (reserved < alone_.size()) {
    Connection* next = LeastLoaded();
    if (!next) return;
    next->books.reserved = true;
    reserved++;
  }
}

void Pool::Hold(Connection* connection, ConnectionLease* lease) noexcept {
  connection->books.use = Use::kTaken;
  if (!lease->of_operation()) connection->books.looked = false;  // it may rest
  connection->books.holder = lease;
  leased_++;
  shared_.counters.leased.Set(leased_);
}

void Pool::Return(Connection* connection, bool maybe_transaction) noexcept {
  connection->books.holder = nullptr;
  leased_--;
  if (connection->lost()) return Serve();
  const bool rollback = maybe_transaction || connection->maybe_in_transaction();
  // Behind whatever is in flight: no round trip of its own.
  TidyUp(connection, rollback, options_.full_reset);
  if (!connection->lost() && connection->idle()) Park(connection);
  Serve();
}

void Pool::TidyUp(Connection* connection, bool rollback, bool full) noexcept {
  connection->books.use = Use::kTidying;
  if (begun_close_ || (!rollback && !full)) return;
  try {
    connection->books.tidy->Begin(rollback, full);
  } catch (const std::bad_alloc&) {
    connection->Lose(NoMemoryError());
  }
}

// A connection has nothing to do any more.
void Pool::Park(Connection* connection) noexcept {
  connection->books.reserved = false;
  const Nanos now = loop_->now();
  if (begun_close_ || connection->books.expires <= now) {
    Retire(connection);
    return MaybeClosed();
  }
  const bool open = connection->maybe_in_transaction();
  const bool dirty = connection->dirty() && options_.full_reset;
  if (open || dirty) {
    TidyUp(connection, open, dirty);
    return;
  }
  if (connection->unwanted()) {
    Retire(connection);
    return Serve();
  }
  connection->books.use = Use::kIdle;
  connection->books.idle_since = now;
  idle_.push_back(connection);
}

}  // namespace creche::pg
