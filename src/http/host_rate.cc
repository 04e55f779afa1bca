#include "http/host_rate.h"

#include <algorithm>
#include <utility>

namespace creche::http {

HostRate::Bucket::Bucket(HostRate* of, Loop& loop)
    : rate(of),
      timer(
          loop,
          [](void* self) noexcept {
            auto* bucket = static_cast<Bucket*>(self);
            bucket->rate->Serve(bucket);
          },
          this) {}

HostRate::HostRate(Loop& loop, const Limit& limit)
    : loop_(loop),
      gap_(std::max<Nanos>(limit.per / limit.requests, 1)),
      burst_(std::min<Nanos>(limit.burst, INT64_MAX / 4 / gap_ + 1)) {}

bool HostRate::Take(std::string_view host, Held* held, std::unique_ptr<Hold>* hold) {
  const Nanos now = loop_.now();
  if (buckets_.size() >= sweep_at_) Sweep(now);
  Bucket& bucket = buckets_.try_emplace(std::string(host), this, loop_).first->second;
  if (bucket.waiting.empty() && TakeFrom(&bucket, now)) return true;
  *hold = std::make_unique<Hold>(&bucket.waiting, held);
  // Without memory for the timer there is none to wait for.
  if (!bucket.timer.armed() && !bucket.timer.Arm(When(bucket))) {
    hold->reset();
    throw std::bad_alloc();
  }
  return false;
}

bool HostRate::TakeFrom(Bucket* bucket, Nanos now) noexcept {
  if (When(*bucket) > now) return false;
  bucket->next = After(std::max(bucket->next, now), gap_);
  return true;
}

// Those who have left the line meanwhile have cost nothing.
void HostRate::Serve(Bucket* bucket) noexcept {
  bucket->serving = true;
  while (!bucket->waiting.empty() && TakeFrom(bucket, loop_.now())) Hold::GoOn(&bucket->waiting);
  // Without memory for the timer nobody waits for it: they go, too early.
  while (!bucket->waiting.empty() && !bucket->timer.Arm(When(*bucket)))
    Hold::GoOn(&bucket->waiting);
  bucket->serving = false;
}

// Buckets that are full are as good as new ones.
void HostRate::Sweep(Nanos now) {
  for (auto it = buckets_.begin(); it != buckets_.end();) {
    const Bucket& b = it->second;
    it = b.waiting.empty() && !b.serving && b.next <= now ? buckets_.erase(it) : std::next(it);
  }
  sweep_at_ = std::max(kSweepAt, 2 * buckets_.size());
}

}  // namespace creche::http
