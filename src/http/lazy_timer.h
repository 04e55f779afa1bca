// LazyTimer: a timer for deadlines that move with every exchange and almost never come. Moving it
// later or clearing it costs a store: the timer below stays where it is, and looks again when it
// fires. Loop's thread only.
#pragma once
#include "core/loop.h"

namespace creche::http {

class LazyTimer {
 public:
  LazyTimer(Loop& loop, Timer::Fire fire, void* arg)
      : loop_(loop), timer_(loop, OnFire, this), fire_(fire), arg_(arg) {}

  // kNever clears. False: without memory it stays silent.
  bool Set(Nanos at) noexcept {
    at_ = at;
    if (at < armed_at_ && timer_.Arm(at)) armed_at_ = at;
    return armed_at_ <= at;
  }
  void Clear() noexcept { at_ = kNever; }

 private:
  static void OnFire(void* self) noexcept {
    auto* t = static_cast<LazyTimer*>(self);
    t->armed_at_ = kNever;
    const Nanos at = t->at_;
    if (at == kNever) return;
    if (at > t->loop_.now()) return (void)t->Set(at);
    t->at_ = kNever;
    t->fire_(t->arg_);  // may destroy this
  }

  Loop& loop_;
  Timer timer_;
  Timer::Fire fire_;
  void* arg_;
  Nanos at_ = kNever;
  Nanos armed_at_ = kNever;
};

}  // namespace creche::http
