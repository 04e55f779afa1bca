#include "http/origin_pool.h"

#include <algorithm>
#include <utility>

namespace creche::http {

namespace {
// An expired connection is never used, but may stay open for this part of its time, and for no
// more than this, so that many are closed together.
constexpr Nanos kSweepPart = 8;
constexpr Nanos kSweepPause = kSecond;
}  // namespace

void ConnectionWaiter::Leave() noexcept {
  if (pool_) pool_->StopWaiting(this);
}

OriginPool::OriginPool(Loop& loop, const Limits& limits, Counters& counters)
    : loop_(loop),
      limits_(limits),
      counters_(counters),
      timer_(
          loop, [](void* self) noexcept { static_cast<OriginPool*>(self)->CloseExpired(); }, this),
      serve_(
          loop, [](void* self) noexcept { static_cast<OriginPool*>(self)->ServeAll(); }, this) {}

OriginPool::~OriginPool() {
  Clear();
}

OriginPool::Answer OriginPool::Acquire(std::string_view name, bool fresh,
                                       ConnectionWaiter* waiter) {
  if (serve_.armed()) ServeAll();  // nobody overtakes those who are about to be served
  auto found = origins_.find(name);
  if (found == origins_.end()) {
    found = origins_.emplace(name, Origin()).first;
    found->second.name = found->first;
  }
  Origin* origin = &found->second;
  if (!origin->first) {
    origin->pinned = true;  // closing dead connections must not make it go
    std::unique_ptr<Connection> kept = fresh ? nullptr : TakeSound(origin);
    const bool room = !kept && MakeRoom(origin);
    origin->pinned = false;
    if (kept) {
      waiter->OnKept(std::move(kept));
      return Answer::kGiven;
    }
    if (room) {
      waiter->OnSlot(TakeSlot(origin));
      return Answer::kGiven;
    }
  }
  if (limits_.max_waiting != 0 && counters_.waiting.get() >= limits_.max_waiting) {
    ForgetIfUnused(origin);
    return Answer::kFull;
  }
  waiter->fresh_ = fresh;
  StartWaiting(origin, waiter);
  return Answer::kWaiting;
}

Slot OriginPool::TakeSlot(Origin* origin) noexcept {
  counters_.open.Add();
  origin->open++;
  Place(origin);
  return Slot(this, origin);
}

void OriginPool::Keep(std::unique_ptr<Connection> connection) noexcept {
  Connection* c = connection.release();
  Origin* origin = c->origin();
  c->idle_in_ = this;
  c->idle_until_ = After(loop_.now(), std::min(c->keep_for(), limits_.keepalive));
  c->next_ = origin->idle;
  if (c->next_) c->next_->prev_ = c;
  origin->idle = c;
  origin->idle_count++;
  if (origin->first) awaited_idle_++;
  Place(origin);
  c->older_ = newest_;
  (newest_ ? newest_->newer_ : oldest_) = c;
  newest_ = c;
  counters_.idle.Add();
  const Nanos sweep = std::max(c->idle_until_, next_sweep_);
  if (sweep < timer_at_ && timer_.Arm(sweep)) timer_at_ = sweep;
  if (counters_.waiting.get() > 0) ServeSoon();
}

void OriginPool::Clear() noexcept {
  while (oldest_) Drop(oldest_);
}

// Takes a connection out of the idle ones.
std::unique_ptr<Connection> OriginPool::Take(Connection* c) noexcept {
  Origin* origin = c->origin();
  (c->prev_ ? c->prev_->next_ : origin->idle) = c->next_;
  if (c->next_) c->next_->prev_ = c->prev_;
  (c->newer_ ? c->newer_->older_ : newest_) = c->older_;
  (c->older_ ? c->older_->newer_ : oldest_) = c->newer_;
  c->next_ = c->prev_ = c->newer_ = c->older_ = nullptr;
  c->idle_in_ = nullptr;
  origin->idle_count--;
  if (origin->first) awaited_idle_--;
  Place(origin);
  counters_.idle.Subtract();
  return std::unique_ptr<Connection>(c);
}

void OriginPool::Drop(Connection* connection) noexcept {
  Take(connection).reset();
}

// The idle connection that was used last, if it is still good.
std::unique_ptr<Connection> OriginPool::TakeSound(Origin* origin) noexcept {
  while (Connection* c = origin->idle) {
    // Its watch has told of what came before this turn, which may be as little as a system call
    // ago, or a long callback. What came since then, an end or an answer that nobody asked for,
    // would be the next request's: so it is asked, always. (Its time need not be looked up so
    // exactly.)
    const bool sound = c->idle_until_ > loop_.turn_time() && c->IdleIsSound();
    auto taken = Take(c);
    if (sound) return taken;
  }
  return nullptr;
}

bool OriginPool::CanOpen(const Origin* origin) const noexcept {
  if (limits_.per_origin != 0 && origin->open >= limits_.per_origin) return false;
  return HasRoom() || FindVictim(origin) != nullptr;
}

// The idle connection that may be closed so that `origin` can have another: the oldest that nobody
// waits for; for an origin that has none, the oldest of all.
Connection* OriginPool::FindVictim(const Origin* origin) const noexcept {
  if (origin->open == 0) return oldest_;
  if (awaited_idle_ == counters_.idle.get() && !origin->idle) return nullptr;
  // Those that somebody waits for are served in this turn, so they are few, and young.
  for (Connection* c = oldest_; c; c = c->newer_) {
    work_++;
    if (!c->origin()->first || c->origin() == origin) return c;
  }
  return nullptr;
}

// Makes sure that a slot is free for `origin`. False: it has to wait.
bool OriginPool::MakeRoom(Origin* origin) noexcept {
  if (!CanOpen(origin)) {
    // At the limit of its own, a dead idle one may be what is in the way.
    if (limits_.per_origin == 0 || origin->open < limits_.per_origin || !origin->idle) return false;
    Drop(origin->idle);
    return true;
  }
  if (!HasRoom()) Drop(FindVictim(origin));
  return true;
}

void OriginPool::Freed(Origin* origin) noexcept {
  counters_.open.Subtract();
  origin->open--;
  Place(origin);
  if (counters_.waiting.get() > 0) ServeSoon();
  ForgetIfUnused(origin);
}

void OriginPool::ForgetIfUnused(Origin* origin) noexcept {
  if (origin->open == 0 && !origin->first && !origin->pinned)
    origins_.erase(origins_.find(origin->name));
}

void OriginPool::StartWaiting(Origin* origin, ConnectionWaiter* waiter) noexcept {
  waiter->pool_ = this;
  waiter->origin_ = origin;
  waiter->number_ = ++numbers_;
  waiter->next_ = nullptr;
  waiter->prev_ = origin->last;
  (origin->last ? origin->last->next_ : origin->first) = waiter;
  origin->last = waiter;
  counters_.waiting.Add();
  if (origin->first != waiter) return;
  awaited_idle_ += origin->idle_count;
  Place(origin);
}

void OriginPool::StopWaiting(ConnectionWaiter* waiter) noexcept {
  Origin* origin = waiter->origin_;
  (waiter->prev_ ? waiter->prev_->next_ : origin->first) = waiter->next_;
  (waiter->next_ ? waiter->next_->prev_ : origin->last) = waiter->prev_;
  waiter->pool_ = nullptr;
  counters_.waiting.Subtract();
  if (!waiter->prev_) Place(origin);  // another is first, or none
  if (origin->first) return;
  awaited_idle_ -= origin->idle_count;
  ForgetIfUnused(origin);
}

// Puts the line of an origin where it belongs now. To be called after each change.
void OriginPool::Place(Origin* origin) noexcept {
  LineHeap* heap = nullptr;
  if (!origin->first) {
    if (!origin->heap()) return;
  } else if (origin->idle) {
    heap = &kept_lines_;
  } else if (origin->open == 0) {
    heap = &new_lines_;
  } else if (limits_.per_origin == 0 || origin->open < limits_.per_origin) {
    heap = &more_lines_;
  }
  LineHeap::Remove(origin);
  if (heap) heap->Add(origin, origin->first->number_);
}

void OriginPool::ServeSoon() noexcept {
  // Without memory for the heap of timers: now. Its array never shrinks, so that is a rare first.
  if (!serve_.armed() && !serve_.Arm(0)) ServeAll();
}

// What is served may fail, and ask again, inside: no recursion.
void OriginPool::ServeAll() noexcept {
  if (std::exchange(serving_, true)) return;
  serve_.Disarm();
  while (Origin* origin = FirstToServe()) Serve(origin);
  serving_ = false;
}

// Of those who can be served now, the origin of who has waited longest; or null.
Origin* OriginPool::FirstToServe() const noexcept {
  const LineHeap* best = &kept_lines_;
  const bool room = HasRoom();
  if ((room || oldest_) && new_lines_.first_key() < best->first_key()) best = &new_lines_;
  if ((room || awaited_idle_ < counters_.idle.get()) && more_lines_.first_key() < best->first_key())
    best = &more_lines_;
  return static_cast<Origin*>(best->first());
}

// Gives the first in line a kept connection, or room to open one.
void OriginPool::Serve(Origin* origin) noexcept {
  ConnectionWaiter* waiter = origin->first;
  if (auto kept = waiter->fresh_ ? nullptr : TakeSound(origin)) {
    StopWaiting(waiter);
    return waiter->OnKept(std::move(kept));
  }
  // What was idle and dead is closed by now, which left room.
  if (!MakeRoom(origin)) return;
  Slot slot = TakeSlot(origin);
  StopWaiting(waiter);
  waiter->OnSlot(std::move(slot));
}

void OriginPool::CloseExpired() noexcept {
  const Nanos now = loop_.now();
  next_sweep_ = After(now, std::min(limits_.keepalive / kSweepPart, kSweepPause));
  Nanos next = kNever;
  for (Connection* c = oldest_; c;) {
    work_++;
    Connection* newer = c->newer_;
    if (c->idle_until_ <= now) {
      Drop(c);
    } else {
      next = std::min(next, std::max(c->idle_until_, next_sweep_));
    }
    c = newer;
  }
  timer_at_ = next != kNever && timer_.Arm(next) ? next : kNever;
}

}  // namespace creche::http
