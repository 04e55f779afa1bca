#include "core/loop_job.h"

#include <gtest/gtest.h>

#include <thread>

#include "test_loop.h"

namespace creche::test {
namespace {

class Owner : public RefCounted {
 public:
  explicit Owner(int* destroyed) : destroyed_(destroyed) {}
  bool Submit(Loop& loop) { return job_.Submit(loop); }
  int calls = 0;

 private:
  ~Owner() override { ++*destroyed_; }
  void Run() noexcept { calls++; }
  int* const destroyed_;
  LoopJob<&Owner::Run> job_{this};
};

TEST(LoopJobTest, IsCalledOnceForWhatWasAskedBefore) {
  const Ref<TestLoop> loop = TestLoop::Open();
  int destroyed = 0;
  const auto owner = MakeRef<Owner>(&destroyed);
  EXPECT_TRUE(owner->Submit(*loop));
  EXPECT_TRUE(owner->Submit(*loop));
  EXPECT_EQ(owner->calls, 0);
  loop->Poll();
  EXPECT_EQ(owner->calls, 1);
  EXPECT_TRUE(owner->Submit(*loop));
  loop->Poll();
  EXPECT_EQ(owner->calls, 2);
}

TEST(LoopJobTest, KeepsItsOwnerUntilItHasRun) {
  const Ref<TestLoop> loop = TestLoop::Open();
  int destroyed = 0;
  std::thread([&] {
    const auto owner = MakeRef<Owner>(&destroyed);
    EXPECT_TRUE(owner->Submit(*loop));
    EXPECT_TRUE(owner->Submit(*loop));
  }).join();
  EXPECT_EQ(destroyed, 0);
  loop->Poll();
  EXPECT_EQ(destroyed, 1);
}

TEST(LoopJobTest, ALoopThatTakesNoMoreKeepsNobody) {
  const Ref<TestLoop> loop = TestLoop::Open();
  loop->StopTakingJobs();
  int destroyed = 0;
  {
    const auto owner = MakeRef<Owner>(&destroyed);
    EXPECT_FALSE(owner->Submit(*loop));
    EXPECT_EQ(owner->calls, 0);
  }
  EXPECT_EQ(destroyed, 1);
}

}  // namespace
}  // namespace creche::test
