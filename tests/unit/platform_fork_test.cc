#include "platform/fork.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "platform/clock.h"

namespace creche::platform {
namespace {

#ifndef __SANITIZE_THREAD__

void Nothing() {}
std::atomic<bool> begun{false}, inside{false};

// The status of a child that ends at once with `code()`.
template <class F>
int InChild(F code) {
  int status = -1;
  const pid_t child = fork();
  if (child == 0) _exit(code());
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

TEST(ForkHold, AForkWaitsForIt) {
  WatchForks(Nothing, Nothing, Nothing);
  for (int i = 0; i < 20; i++) {
    begun = false;
    std::thread holder([] {
      const ForkHold hold;
      inside = begun = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      inside = false;
    });
    while (!begun) std::this_thread::yield();
    EXPECT_EQ(InChild([] { return inside ? 1 : 0; }), 0);
    holder.join();
  }
}

// Who forks inside has it itself; and the child has nothing to give back.
TEST(ForkHold, AForkInsideDoesNotWaitForItself) {
  WatchForks(Nothing, Nothing, Nothing);
  const int64_t began = MonotonicNow();
  EXPECT_EQ(InChild([] { return 0; }), 0);
  {
    auto hold = std::make_unique<ForkHold>();
    EXPECT_EQ(InChild([&] {
                hold.reset();
                const ForkHold another;
                return 0;
              }),
              0);
  }
  EXPECT_LT(MonotonicNow() - began, ForkHold::kLongest);
}

// exit() waits for who is inside, and lets nobody in after that.
TEST(ExitHold, AnExitWaitsForIt) {
  EXPECT_EQ(InChild([] {
              static ExitHold hold;
              std::atexit([] { _exit(inside ? 1 : ExitHold::Inside(hold).ok() ? 2 : 7); });
              ExitHold::KeepExits();
              begun = false;
              std::thread([] {
                const ExitHold::Inside here(hold);
                inside = begun = here.ok();
                for (ExitHold other; ExitHold::Inside(other).ok();) std::this_thread::yield();
                inside = false;  // exit() has begun
              }).detach();
              while (!begun) std::this_thread::yield();
              std::exit(4);
              return 5;
            }),
            7 << 8);
}

#endif

}  // namespace
}  // namespace creche::platform
