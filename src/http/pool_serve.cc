// Pool: who gets a place, and when.
#include <utility>

#include "http/pool.h"
#include "http/recent.h"

namespace creche::http {

Phase Checkout::opening_phase() const noexcept {
  return opening_->opening_->phase();
}

void Checkout::Cancel() noexcept {
  if (line_) return pool_->StopWaiting(this);
  if (PoolMember* const member = std::exchange(opening_, nullptr)) pool_->GiveUp(member);
}

Pool::Answer Pool::Reserve(const Route& route, const Timeouts& timeouts, bool fresh,
                           Checkout* checkout) {
  if (serve_.armed()) ServeAll();  // nobody overtakes those who are about to be served
  PoolLine* line = LineOf(route);
  checkout->url_ = &route.url;
  checkout->tls_ = route.tls;
  checkout->way_ = route.way;
  checkout->protocols_ = route.protocols;
  checkout->watch_ = route.watch;
  checkout->timeouts_ = &timeouts;
  checkout->fresh_ = fresh;
  if (line->waiting.empty()) {
    line->pinned = true;  // closing dead connections must not make it go
    PoolMember* member = fresh ? nullptr : TakePlace(line);
    const bool room = !member && !line->holds() && MakeRoom(line);
    line->pinned = false;
    if (member) {
      counters_.reuses.Add();
      checkout->OnReserved(Reservation(member), true);
      return Answer::kGiven;
    }
    if (room) {
      OpenFor(line, checkout);
      return Answer::kGiven;
    }
  }
  if (limits_.max_waiting != 0 && counters_.waiting.get() >= limits_.max_waiting) {
    ForgetIfUnused(line);
    return Answer::kFull;
  }
  StartWaiting(line, checkout);
  return Answer::kWaiting;
}

PoolLine* Pool::LineOf(const Route& route) {
  const std::string_view key = route.key();
  if (last_line_ && last_line_->key == key && last_line_->protocols == route.protocols)
    return last_line_;
  Lines& lines = lines_[static_cast<size_t>(route.protocols)];
  auto found = lines.find(key);
  if (found == lines.end()) {
    found = lines.try_emplace(std::string(key)).first;
    found->second.key = found->first;
    found->second.protocols = route.protocols;
  }
  return last_line_ = &found->second;
}

void Pool::ForgetIfUnused(PoolLine* line) noexcept {
  if (line->open != 0 || !line->waiting.empty() || line->pinned) return;
  if (last_line_ == line) last_line_ = nullptr;
  Lines& lines = lines_[static_cast<size_t>(line->protocols)];
  lines.erase(lines.find(line->key));
}

void Pool::StartWaiting(PoolLine* line, Checkout* checkout) noexcept {
  checkout->pool_ = this;
  checkout->line_ = line;
  checkout->number_ = ++numbers_;
  checkout->waits_since_ = Recent(loop_);
  const bool first = line->waiting.empty();
  line->waiting.PushBack(checkout);
  counters_.waiting.Add();
  if (!first) return;
  awaited_idle_ += line->idle;
  Requeue(line);
}

void Pool::StopWaiting(Checkout* checkout) noexcept {
  PoolLine* line = std::exchange(checkout->line_, nullptr);
  const bool first = line->waiting.first() == checkout;
  List<Checkout>::Remove(checkout);
  counters_.waiting.Subtract();
  if (first) Requeue(line);  // another is first, or none
  if (!line->waiting.empty()) return;
  awaited_idle_ -= line->idle;
  ForgetIfUnused(line);
}

// Puts a line where it belongs now. To be called after each change.
void Pool::Requeue(PoolLine* line) noexcept {
  LineHeap* heap = nullptr;
  if (line->waiting.empty()) {
    if (!line->heap()) return;
  } else if (!line->available.empty()) {
    heap = &kept_lines_;
  } else if (line->holds()) {
    heap = nullptr;
  } else if (line->open == 0) {
    heap = &new_lines_;
  } else if (limits_.per_route == 0 || line->open < limits_.per_route) {
    heap = &more_lines_;
  }
  LineHeap::Remove(line);
  if (heap) heap->Add(line, line->waiting.first()->number_);
}

void Pool::ServeSoon() noexcept {
  // Without memory for the heap of timers: now. Its array never shrinks, so that is a rare first.
  if (!serve_.armed() && !serve_.Arm(0)) ServeAll();
}

// What is served may fail, and ask again, inside: no recursion.
void Pool::ServeAll() noexcept {
  if (std::exchange(serving_, true)) return;
  serve_.Disarm();
  while (PoolLine* line = FirstToServe()) Serve(line);
  serving_ = false;
}

// Of those that can be served now, the line of who has waited longest; or null.
PoolLine* Pool::FirstToServe() const noexcept {
  const LineHeap* best = &kept_lines_;
  const bool room = has_room();
  if ((room || !idle_.empty()) && new_lines_.first_key() < best->first_key()) best = &new_lines_;
  if ((room || awaited_idle_ < counters_.idle.get()) && more_lines_.first_key() < best->first_key())
    best = &more_lines_;
  return static_cast<PoolLine*>(best->first());
}

// Gives the first in line a place, or has a connection opened for it.
void Pool::Serve(PoolLine* line) noexcept {
  Checkout* checkout = line->waiting.first();
  // One that may be shared is fresh enough: who waited did so for one on its way.
  PoolMember* member = checkout->fresh_ && !line->shares() ? nullptr : TakePlace(line);
  // What was idle and dead is closed by now, which left room. Who wants a connection that nobody
  // has used takes a place with others rather than none.
  if (!member && !MakeRoom(line)) {
    member = TakePlace(line);
    if (!member) return;
  }
  const Nanos waited = Recent(loop_) - checkout->waits_since_;
  checkout->waited_ += waited;
  counters_.timings.pool.Add(waited);
  if (member) {
    StopWaiting(checkout);
    counters_.reuses.Add();
    return checkout->OnReserved(Reservation(member), true);
  }
  line->pinned = true;
  StopWaiting(checkout);
  line->pinned = false;
  OpenFor(line, checkout);
}

}  // namespace creche::http
