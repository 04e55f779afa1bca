#include "core/workers.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace creche {
namespace {

class Item : public WorkItem {
 public:
  explicit Item(std::function<void()> run, std::atomic<int>* destroyed = nullptr)
      : run_(std::move(run)), destroyed_(destroyed) {}
  ~Item() override {
    if (destroyed_) ++*destroyed_;
  }
  void Run() noexcept override { run_(); }

 private:
  std::function<void()> run_;
  std::atomic<int>* destroyed_;
};

bool Submit(Workers& workers, std::function<void()> run, std::atomic<int>* destroyed = nullptr) {
  return workers.Submit(std::make_unique<Item>(std::move(run), destroyed)) == 0;
}

TEST(Workers, RunsInOrderOnAnotherThread) {
  Workers workers(1);
  std::vector<int> order;
  std::promise<void> done;
  std::thread::id thread;
  for (int i = 0; i < 100; i++) {
    ASSERT_TRUE(Submit(workers, [&, i] {
      order.push_back(i);
      thread = std::this_thread::get_id();
      if (i == 99) done.set_value();
    }));
  }
  done.get_future().wait();
  EXPECT_NE(thread, std::this_thread::get_id());
  for (int i = 0; i < 100; i++) EXPECT_EQ(order[i], i);
}

// As many at a time as the limit says, and no more: each waits until that many are inside.
TEST(Workers, GrowsToItsLimit) {
  constexpr int kLimit = 5;
  Workers workers(kLimit);
  std::mutex mutex;
  std::condition_variable all_in;
  int inside = 0, most = 0;
  std::atomic<int> ended{0};
  for (int i = 0; i < 2 * kLimit; i++) {
    ASSERT_TRUE(Submit(workers, [&] {
      std::unique_lock lock(mutex);
      most = std::max(most, ++inside);
      all_in.notify_all();
      all_in.wait(lock, [&] { return most == kLimit; });
      inside--;
      ended++;
    }));
  }
  while (ended < 2 * kLimit) std::this_thread::yield();
  EXPECT_EQ(most, kLimit);
}

TEST(Workers, UsesAnIdleThreadAgain) {
  Workers workers;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 20; i++) {
    std::promise<void> done;
    std::atomic<int> destroyed{0};
    ASSERT_TRUE(Submit(
        workers,
        [&] {
          threads.insert(std::this_thread::get_id());
          done.set_value();
        },
        &destroyed));
    done.get_future().wait();
    while (destroyed == 0) std::this_thread::yield();
  }
  // One that has just ended an item may not be idle yet when the next one comes.
  EXPECT_LT(threads.size(), 20u);
}

// Threads that have had nothing to do go, and are joined when the next one is needed.
TEST(Workers, ThreadsGoWhenThereIsNothingToDo) {
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const auto before = threads();
  Workers workers(4, kMillisecond);
  for (int round = 0; round < 3; round++) {
    std::promise<void> done;
    ASSERT_TRUE(Submit(workers, [&] { done.set_value(); }));
    done.get_future().wait();
    while (threads() > before) std::this_thread::yield();
  }
}

TEST(Workers, BlocksAllSignalsInItsThreads) {
  Workers workers;
  std::promise<bool> blocked;
  ASSERT_TRUE(Submit(workers, [&] {
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, nullptr, &set);
    blocked.set_value(sigismember(&set, SIGTERM) && sigismember(&set, SIGPIPE) &&
                      sigismember(&set, SIGUSR1));
  }));
  EXPECT_TRUE(blocked.get_future().get());
}

TEST(Workers, StopDropsWhatHasNotBegunAndWaitsForNobodyInside) {
  std::promise<void> inside, go, ended;
  std::atomic<int> destroyed{0};
  bool dropped_ran = false;
  {
    Workers workers(1);
    ASSERT_TRUE(Submit(
        workers,
        [&] {
          inside.set_value();
          go.get_future().wait();
          ended.set_value();
        },
        &destroyed));
    inside.get_future().wait();
    for (int i = 0; i < 1000; i++)
      ASSERT_TRUE(Submit(
          workers, [&] { dropped_ran = true; }, &destroyed));
    workers.Stop();
    EXPECT_EQ(destroyed, 1000);
    EXPECT_FALSE(Submit(
        workers, [] {}, &destroyed));
    EXPECT_EQ(destroyed, 1001);
    workers.Stop();
  }
  go.set_value();
  ended.get_future().wait();
  while (destroyed < 1002) std::this_thread::yield();
  EXPECT_FALSE(dropped_ran);
}

TEST(Workers, TakesNothingWithoutAThread) {
  Workers workers(0);
  std::atomic<int> destroyed{0};
  EXPECT_FALSE(Submit(
      workers, [] {}, &destroyed));
  EXPECT_EQ(destroyed, 1);
}

// Items that hang count no more, so that what waits behind them is run; up to a bound.
TEST(Workers, WhatHangsHoldsUpNothingElse) {
  constexpr int kHung = 20;
  Workers workers({.limit = 2, .slow = kMillisecond, .most = kHung + 1});
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  std::atomic<int> hung{0}, ended{0};
  for (int i = 0; i < kHung; i++)
    ASSERT_TRUE(Submit(workers, [&] {
      hung++;
      gone.wait();
      ended++;
    }));
  for (int i = 0; i < 3; i++) {
    std::promise<void> good;
    ASSERT_TRUE(Submit(workers, [&] { good.set_value(); }));
    good.get_future().wait();
    // All have begun before it; the last of them may not have said so yet.
    while (hung < kHung) std::this_thread::yield();
  }
  EXPECT_EQ(ended, 0);
  ASSERT_TRUE(Submit(workers, [&] {
    gone.wait();
    ended++;
  }));
  bool ran_past_the_most = false;
  ASSERT_TRUE(Submit(workers, [&] {
    ran_past_the_most = ended == 0;
    ended++;
  }));
  go.set_value();
  while (ended < kHung + 2) std::this_thread::yield();
  EXPECT_FALSE(ran_past_the_most);
}

// While nothing hangs no more run at a time than the limit says, whatever there may be in all.
TEST(Workers, KeepsToItsLimitWhileNothingHangs) {
  Workers workers({.limit = 2, .slow = 3600 * kSecond, .most = 8});
  std::atomic<int> inside{0}, most{0}, ended{0};
  for (int i = 0; i < 500; i++)
    ASSERT_TRUE(Submit(workers, [&] {
      const int now = ++inside;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::yield();
      inside--;
      ended++;
    }));
  while (ended < 500) std::this_thread::yield();
  EXPECT_LE(most, 2);
}

// One after another needs one thread: the others, which a burst has brought, have nothing to do and
// go, though there is always work.
TEST(Workers, TheOnesThatAreNotNeededGo) {
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const auto before = threads();
  constexpr int kBurst = 6;
  Workers workers(kBurst, 50 * kMillisecond);
  std::atomic<int> inside{0};
  for (int i = 0; i < kBurst; i++)
    ASSERT_TRUE(Submit(workers, [&] {
      inside++;
      while (inside < kBurst) std::this_thread::yield();
    }));
  while (inside < kBurst) std::this_thread::yield();
  while (threads() > before + 2) {
    std::promise<void> done;
    ASSERT_TRUE(Submit(workers, [&] { done.set_value(); }));
    done.get_future().wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

class Kept : public WorkItem {
 public:
  void Run() noexcept override { ran++; }
  void LetGo() noexcept override { let_go++; }
  std::atomic<int> ran{0}, let_go{0};
};

TEST(Workers, TakesBackWhatHasNotBegun) {
  Workers workers(1);
  std::promise<void> inside, go, ended;
  ASSERT_TRUE(Submit(workers, [&] {
    inside.set_value();
    go.get_future().wait();
  }));
  inside.get_future().wait();
  Kept items[3];
  for (Kept& item : items) ASSERT_EQ(workers.Submit(&item), 0);
  EXPECT_TRUE(workers.Withdraw(&items[1]));
  EXPECT_FALSE(workers.Withdraw(&items[1]));
  EXPECT_EQ(items[1].let_go, 1);
  go.set_value();
  ASSERT_TRUE(Submit(workers, [&] { ended.set_value(); }));
  ended.get_future().wait();
  EXPECT_FALSE(workers.Withdraw(&items[0]));
  EXPECT_TRUE(items[0].ran == 1 && items[1].ran == 0 && items[2].ran == 1);
  EXPECT_TRUE(items[0].let_go == 1 && items[2].let_go == 1);
}

TEST(Workers, SaysWhyThereIsNoThread) {
  Workers none(0);
  Kept item;
  EXPECT_EQ(none.Submit(&item), EAGAIN);
  EXPECT_EQ(item.let_go, 1);
  none.Stop();
  EXPECT_EQ(none.Submit(&item), ECANCELED);
}

TEST(Workers, ManySubmitters) {
  std::atomic<int> ran{0}, destroyed{0};
  {
    Workers workers(4);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
      threads.emplace_back([&] {
        for (int i = 0; i < 500; i++)
          Submit(
              workers, [&] { ran++; }, &destroyed);
      });
    for (std::thread& thread : threads) thread.join();
    while (ran < 1000) std::this_thread::yield();
  }
  while (destroyed < 2000) std::this_thread::yield();
}

}  // namespace
}  // namespace creche
