// A turn of the loop: one round of I/O, and what is put off to its end.
#include "core/loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

#include "counted_calls.h"
#include "platform/unique_fd.h"
#include "test_loop.h"

namespace creche {
namespace {

struct End : TurnEnd {
  explicit End(std::string* into, char mark) : TurnEnd(OnEnd), log(into), name(mark) {}
  static void OnEnd(TurnEnd* self) noexcept {
    auto* end = static_cast<End*>(self);
    *end->log += end->name;
    if (end->again) end->again->AtTurnEnd(end);
    end->again = nullptr;
    end->victim.reset();
  }
  std::string* const log;
  const char name;
  Loop* again = nullptr;
  std::unique_ptr<End> victim;
};

TEST(TurnEnd, RunsOnceBehindJobs) {
  auto loop = test::TestLoop::Open();
  std::string log;
  End a(&log, 'a');
  struct Work : Job {
    explicit Work(std::string* into) : Job(OnRun), log(into) {}
    static void OnRun(Job* job) noexcept { *static_cast<Work*>(job)->log += 'j'; }
    std::string* const log;
  } work(&log);
  loop->AtTurnEnd(&a);
  loop->AtTurnEnd(&a);
  loop->Submit(&work);
  loop->RunOnce();
  EXPECT_EQ(log, "ja");
  loop->Poll();
  EXPECT_EQ(log, "ja");
}

TEST(TurnEnd, AskedForAgainItRunsInTheNextTurnWhichDoesNotWait) {
  auto loop = test::TestLoop::Open();
  std::string log;
  End a(&log, 'a');
  a.again = loop.get();
  loop->AtTurnEnd(&a);
  loop->RunOnce();
  EXPECT_EQ(log, "a");
  loop->RunOnce();  // would wait for ten seconds
  EXPECT_EQ(log, "aa");
}

TEST(TurnEnd, DestroyingTakesItBack) {
  auto loop = test::TestLoop::Open();
  std::string log;
  End stays(&log, 's');
  {
    End goes(&log, 'g');
    loop->AtTurnEnd(&stays);
    loop->AtTurnEnd(&goes);
  }
  loop->Poll();
  EXPECT_EQ(log, "s");
  // Also by one that runs before it in the same turn: the last asked for is the first.
  stays.victim = std::make_unique<End>(&log, 'v');
  loop->AtTurnEnd(stays.victim.get());
  loop->AtTurnEnd(&stays);
  loop->Poll();
  EXPECT_EQ(log, "ss");
}

// A descriptor that is always ready; counts how often it is seen.
class Reactor : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(watch_.Start(
                  loop_->reactor(), fd_.get(), platform::kRead,
                  [](void* calls, unsigned) noexcept { ++*static_cast<int*>(calls); }, &calls_),
              0);
  }
  const Ref<test::TestLoop> loop_ = test::TestLoop::Open();
  const platform::UniqueFd fd_{eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)};
  platform::Watch watch_;
  int calls_ = 0;
};

// It must not keep the loop from the rest of its turn.
TEST_F(Reactor, CallsEachOnceInARound) {
  loop_->Poll();
  EXPECT_EQ(calls_, 1);
  loop_->RunOnce();
  EXPECT_EQ(calls_, 2);
}

// Work that never ends does not keep descriptors waiting for long, and not each turn looks at them.
TEST_F(Reactor, IsLookedAtWhenThereIsAlwaysWork) {
  loop_->busy = true;
  constexpr int kTurns = 17 * 100;
  for (int i = 0; i < kTurns; i++) loop_->RunOnce();
  EXPECT_GE(calls_, 100);
  EXPECT_LT(calls_, kTurns);
}

// Who gives way does so to what descriptors bring, too.
TEST_F(Reactor, IsLookedAtWhereSomebodyGivesWay) {
  loop_->busy = true;
  for (int i = 1; i <= 100; i++) {
    loop_->GiveWay();
    loop_->RunOnce();
    EXPECT_EQ(calls_, i);
  }
}

// ---- Looking again and again instead of sleeping

class BusyPoll : public testing::Test {
 protected:
  // A descriptor that the loop reads from.
  void Watch() {
    ASSERT_EQ(watch_.Start(loop_->reactor(), fd_.get(), platform::kRead, OnReady, this), 0);
  }
  static void OnReady(void* self, unsigned) noexcept {
    auto* test = static_cast<BusyPoll*>(self);
    uint64_t count;
    EXPECT_EQ(read(test->fd_.get(), &count, sizeof count), ssize_t{sizeof count});
    test->came_ = true;
  }
  static void OnWrite(void* self) noexcept { static_cast<BusyPoll*>(self)->Write(); }
  static void OnTime(void* self) noexcept { static_cast<BusyPoll*>(self)->came_ = true; }
  void Write() {
    const uint64_t one = 1;
    EXPECT_EQ(write(fd_.get(), &one, sizeof one), ssize_t{sizeof one});
  }
  const Ref<test::TestLoop> loop_ = test::TestLoop::Open();
  const platform::UniqueFd fd_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  platform::Watch watch_;
  bool came_ = false;
};

TEST_F(BusyPoll, FindsWhatComesWithoutSleeping) {
  loop_->PollBusily(30 * kSecond);
  Watch();
  std::thread writer([&] { Write(); });
  test::calls = {};
  loop_->RunOnce();
  writer.join();
  EXPECT_TRUE(came_);
  EXPECT_GT(test::calls.waits, 0);
  EXPECT_EQ(test::calls.sleeps, 0);
}

TEST_F(BusyPoll, FindsWhatOtherThreadsPost) {
  loop_->PollBusily(30 * kSecond);
  std::string log;
  struct Work : Job {
    explicit Work(std::string* into) : Job(OnRun), log(into) {}
    static void OnRun(Job* job) noexcept { *static_cast<Work*>(job)->log += 'j'; }
    std::string* const log;
  } work(&log);
  std::thread poster([&] { EXPECT_EQ(loop_->Submit(&work), Submitted::kYes); });
  test::calls = {};
  loop_->RunOnce();
  poster.join();
  EXPECT_EQ(log, "j");
  EXPECT_EQ(test::calls.sleeps, 0);
}

TEST_F(BusyPoll, SleepsWhenItsMomentIsOver) {
  loop_->PollBusily(1);
  Watch();
  Timer timer(*loop_, OnWrite, this);
  ASSERT_TRUE(timer.Arm(loop_->now() + 20 * kMillisecond));
  test::calls = {};
  loop_->RunUntil([&] { return came_; });
  EXPECT_GT(test::calls.sleeps, 0);
}

TEST_F(BusyPoll, ATimerEndsIt) {
  loop_->PollBusily(30 * kSecond);
  Timer timer(*loop_, OnTime, this);
  ASSERT_TRUE(timer.Arm(loop_->now() + kMillisecond));
  loop_->RunUntil([&] { return came_; });
}

// What came while other callbacks ran is looked at before a deadline that passed meanwhile expires.
TEST(Deadlines, IOIsLookedAtBefore) {
  auto loop = test::TestLoop::Open();
  struct Both {
    std::string log;
    int late;
  } both{"", eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  platform::UniqueFd first(eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)), late(both.late);
  platform::Watch long_one, watch;
  Timer timer(
      *loop, [](void* arg) noexcept { static_cast<Both*>(arg)->log += 't'; }, &both);
  ASSERT_EQ(watch.Start(
                loop->reactor(), late.get(), platform::kRead,
                [](void* arg, unsigned) noexcept {
                  auto* both = static_cast<Both*>(arg);
                  uint64_t count;
                  if (read(both->late, &count, sizeof count) > 0) both->log += 'i';
                },
                &both),
            0);
  struct Long {
    Both* both;
    Nanos until;
    int fd;
  } busy{&both, loop->now() + 20 * kMillisecond, first.get()};
  ASSERT_EQ(long_one.Start(
                loop->reactor(), first.get(), platform::kRead,
                [](void* arg, unsigned) noexcept {
                  auto* busy = static_cast<Long*>(arg);
                  uint64_t count;
                  if (read(busy->fd, &count, sizeof count) < 0) return;
                  while (platform::MonotonicNow() < busy->until) {
                  }
                  const uint64_t one = 1;
                  if (write(busy->both->late, &one, sizeof one) < 0) busy->both->log += '!';
                },
                &busy),
            0);
  ASSERT_TRUE(timer.Arm(busy.until - kMillisecond));
  loop->RunUntil([&] { return both.log.size() == 2; });
  EXPECT_EQ(both.log, "it");
}

}  // namespace
}  // namespace creche
