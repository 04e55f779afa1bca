#include "tasks/waitable/rate.h"

#include <algorithm>
#include <new>

#include "tasks/waitable/section.h"

namespace creche::tasks {

Nanos Rate::Due(uint64_t wanted) const noexcept {
  const Scaled at = full + (static_cast<Scaled>(wanted) - burst) * interval;
  if (at <= 0) return paused_until;
  const Scaled due = (at + permits - 1) / permits;
  return std::max(due >= kNever ? kNever : static_cast<Nanos>(due), paused_until);
}

void Rate::Take(uint64_t wanted, Nanos now, Scaled late) noexcept {
  // A bucket that is full already takes no more.
  Scaled since = static_cast<Scaled>(now) * permits - late;
  since = std::max(since, static_cast<Scaled>(std::max<Nanos>(paused_until, 0)) * permits);
  full = std::max(full, since) + static_cast<Scaled>(wanted) * interval;
}

void Rate::Enter(WaitNode* wait) noexcept {
  if (closed) return wait->Fail(ClosedError("the rate limiter was released"));
  const Nanos now = tree->now();
  if (line.empty() && Due(wait->item) <= now) {
    Take(wait->item, now, 0);
    return wait->Succeed();
  }
  line.PushBack(wait);
  if (line.size() == 1) Await();
}

void Rate::Leave(WaitNode* wait) noexcept {
  const bool first = line.first() == wait;
  // The loop serves the next one: here somebody may be walking the tree.
  if (line.Remove(wait) && first) Await();
}

void Rate::Serve(Nanos now) noexcept {
  while (!line.empty()) {
    WaitNode* wait = WaitOf(line.first());
    if (Due(wait->item) > now) break;
    line.Remove(wait);
    // A loop that wakes late makes up for one permit at most: the rate does not drift, and no burst
    // follows a stall.
    Take(wait->item, now, interval);
    wait->Succeed();
  }
  Await();
}

void Rate::Await() noexcept {
  const Nanos at = line.empty() ? kNever : Due(WaitOf(line.first())->item);
  Deadlines& paces = tree->timers_.paces;
  paces.Arm(static_cast<Pace*>(this), at);  // there is room
  if (at != kNever && paces.next() == at) tree->RequestWake();
}

void Rate::EndIds() noexcept {
  Waitable::EndIds();
  tree->timers_.paces.Disarm(static_cast<Pace*>(this));
}

Status OpenRate(uint64_t loop, const RateOptions& options, uint64_t* id) noexcept {
  return OpenWaitable<Rate>(loop, Kind::kRate, options.name, id, [&](Rate* rate) {
    try {
      rate->tree->timers_.paces.ReserveAll(++rate->tree->waitables_.rates);
    } catch (const std::bad_alloc&) {
      return Status::kNoMemory;
    }
    rate->permits = options.permits;
    rate->burst = options.burst;
    rate->interval = options.interval;
    rate->phase = Phase::kLimit;
    return Status::kOk;
  });
}

Status AcquireRate(uint64_t id, uint32_t permits, const StartArgs& args,
                   uint64_t* culprit) noexcept {
  WaitableSection section(id, Kind::kRate, args.in, culprit);
  if (!section.ok()) return section.status();
  auto* rate = section.As<Rate>();
  *culprit = id;
  if (permits == 0 || permits > rate->burst) return Status::kInvalid;
  WaitNode* wait = WaitNode::New(rate);
  if (!wait) return Status::kNoMemory;
  wait->item = permits;
  *culprit = args.in;
  return section.tree()->StartTask(wait, section.in(), args, false);
}

Status TryAcquireRate(uint64_t id, uint32_t permits) noexcept {
  Section section(id, Bit(Kind::kRate));
  if (!section.ok()) return section.status();
  auto* rate = section.As<Rate>();
  if (permits == 0 || permits > rate->burst) return Status::kInvalid;
  const Nanos now = section.tree()->now();
  if (!rate->line.empty() || rate->Due(permits) > now) return Status::kLimit;
  rate->Take(permits, now, 0);
  return Status::kOk;
}

Status PauseRate(uint64_t id, Nanos until) noexcept {
  Section section(id, Bit(Kind::kRate));
  if (!section.ok()) return section.status();
  auto* rate = section.As<Rate>();
  rate->paused_until = std::max(rate->paused_until, until);
  rate->Await();
  return Status::kOk;
}

Status ResumeRate(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kRate));
  if (!section.ok()) return section.status();
  auto* rate = section.As<Rate>();
  rate->paused_until = std::min(rate->paused_until, section.tree()->now());
  rate->Await();
  return Status::kOk;
}

Status GetRateState(uint64_t id, RateState* state) noexcept {
  Section section(id, Bit(Kind::kRate));
  if (!section.ok()) return section.status();
  const auto* rate = section.As<Rate>();
  const Nanos now = section.tree()->now();
  const Rate::Scaled empty = rate->full - static_cast<Rate::Scaled>(rate->burst) * rate->interval;
  const Rate::Scaled there =
      (static_cast<Rate::Scaled>(now) * rate->permits - empty) / rate->interval;
  state->available = static_cast<uint32_t>(
      std::clamp<Rate::Scaled>(there, 0, static_cast<Rate::Scaled>(rate->burst)));
  state->waiting = rate->line.size();
  const uint64_t wanted = rate->line.empty() ? 1 : WaitOf(rate->line.first())->item;
  state->next = std::max(rate->Due(wanted), now);
  state->paused_until = rate->paused_until > now ? rate->paused_until : 0;
  return Status::kOk;
}

void ReleaseRate(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kRate));
  if (!section.ok()) return;
  auto* rate = section.As<Rate>();
  EndSlot(section.tree()->domain(), id);
  rate->id = 0;
  rate->closed = true;  // never armed again
  section.tree()->waitables_.rates--;
  const ErrorRef error =
      rate->line.empty() ? nullptr : ClosedError("the rate limiter was released");
  while (Waiter* waiter = rate->line.first()) WaitOf(waiter)->Fail(error);
  rate->Await();
  rate->Unref();
}

}  // namespace creche::tasks
