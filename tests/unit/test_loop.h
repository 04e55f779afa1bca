// A loop without a tree, for tests of what lives on one.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "core/loop.h"

namespace creche::test {

class TestLoop : public Loop {
 public:
  // An open loop.
  static Ref<TestLoop> Open() {
    auto loop = MakeRef<TestLoop>();
    EXPECT_EQ(loop->OpenCore(), 0);
    return loop;
  }
  // The same, with a clock that only Advance moves.
  static Ref<TestLoop> OpenVirtual() {
    auto loop = MakeRef<TestLoop>();
    loop->UseVirtualClock();
    EXPECT_EQ(loop->OpenCore(), 0);
    return loop;
  }
  void Advance(Nanos by) { clock()->Set(now() + by); }
  // Turns until `done`; false, and a failed test, after ten seconds.
  bool RunUntil(const std::function<bool()>& done) {
    const Nanos limit = After(now(), 10 * kSecond);
    while (!done()) {
      Turn(limit - now());
      if (now() < limit) continue;
      ADD_FAILURE() << "nothing happened";
      return false;
    }
    return true;
  }
  // One turn; waits for something to do.
  void RunOnce() { Turn(10 * kSecond); }
  // Always has something to dispatch.
  bool busy = false;
  // The next turn looks at descriptors, though there is something to do.
  void GiveWay() { LookFirst(); }
  // One turn with what there is.
  void Poll() { Turn(0); }
  void PollBusily(Nanos moment) { UseBusyPoll(moment); }
  // Refuses jobs from now on.
  void StopTakingJobs() {
    if (!stopped_) StopJobs();
    stopped_ = true;
  }

 private:
  template <class T, class... A>
  friend Ref<T> creche::MakeRef(A&&...);
  TestLoop() = default;
  ~TestLoop() override {
    StopTakingJobs();
    CloseCore();
  }
  bool Ready() noexcept override { return busy; }
  Nanos HowLong(Nanos timeout, Nanos next) noexcept override {
    return next == kNever ? timeout : std::min(timeout, std::max<Nanos>(0, next - now()));
  }
  bool Dispatch(Nanos) noexcept override { return false; }

  bool stopped_ = false;
};

}  // namespace creche::test
