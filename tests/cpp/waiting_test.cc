// What coroutines wait for besides the network: events, limiters, rates, channels, threads.
#include <stdexcept>
#include <thread>

#include "cpp_test.h"

using creche::nursery;
using creche::task;

namespace {

using Waiting = Coroutines;

TEST_F(Waiting, AnEventLetsAllGoOn) {
  int gone = 0;
  in_virtual_time([&]() -> task<> {
    creche::event go;
    co_await creche::group([&](nursery& n) -> task<> {
      for (int i = 0; i < 3; i++)
        n.start_soon(
            [&](frame) -> task<> {
              co_await go.wait();
              gone++;
            },
            frame());
      co_await creche::sleep(1s);
      EXPECT_EQ(gone, 0);
      go.set();
    });
    EXPECT_TRUE(go.is_set());
  });
  EXPECT_EQ(gone, 3);
}

TEST_F(Waiting, ALimiterLetsSoManyIn) {
  in_virtual_time([]() -> task<> {
    creche::limiter two(2);
    int in = 0, most = 0;
    co_await creche::group([&](nursery& n) -> task<> {
      for (int i = 0; i < 6; i++)
        n.start_soon(
            [&](frame) -> task<> {
              const creche::token held = co_await two.acquire();
              most = std::max(most, ++in);
              co_await creche::sleep(1s);
              in--;
            },
            frame());
      co_return;
    });
    EXPECT_EQ(most, 2);
    EXPECT_EQ(creche::now(), 3s);
    const creche::token a = two.try_acquire(), b = two.try_acquire(), c = two.try_acquire();
    EXPECT_TRUE(a && b && !c);
    EXPECT_FALSE(co_await creche::move_on(1s, two.acquire()));
  });
}

TEST_F(Waiting, ARateLetsSoOften) {
  in_virtual_time([]() -> task<> {
    creche::rate rate({.permits = 2, .interval = 1s, .burst = 1});
    for (int i = 0; i < 5; i++) co_await rate.acquire();
    EXPECT_EQ(creche::now(), 2s);
    EXPECT_FALSE(rate.try_acquire());
  });
}

template <class T>
task<> carry(frame, std::vector<T> items, uint32_t capacity) {
  auto [out, in] = creche::channel<T>(capacity);
  creche::sender<T>& sending = out;  // GCC 12: a structured binding is no capture
  creche::receiver<T>& receiving = in;
  std::vector<T> got;
  co_await creche::group([&](nursery& n) -> task<> {
    n.start_soon(
        [&](frame) -> task<> {
          for (const T& item : items) co_await sending.send(item);
          sending.reset();
        },
        frame());
    while (auto item = co_await receiving.receive()) got.push_back(*std::move(item));
  });
  EXPECT_EQ(got, items);
}

TEST_F(Waiting, AChannelCarriesAnything) {
  in_virtual_time([]() -> task<> {
    // GCC 12 knows no lists in what is awaited.
    const std::vector<int> numbers = {1, 2, 3, 4, 5};
    const std::vector<double> reals = {1.5, -2};
    const std::vector<std::string> texts = {"a", std::string(100, 'b'), ""};
    co_await carry<int>(frame(), numbers, 0);
    co_await carry<double>(frame(), reals, 1);
    co_await carry<std::string>(frame(), texts, 2);
  });
}

TEST_F(Waiting, WhatNobodyReceivesIsFreed) {
  const auto counted = std::make_shared<int>(0);
  in_virtual_time([&]() -> task<> {
    auto [out, in] = creche::channel<std::shared_ptr<int>>(10);
    co_await out.send(counted);
    EXPECT_TRUE(out.try_send(counted));
    EXPECT_EQ(counted.use_count(), 3);
    EXPECT_TRUE(in.try_receive());
    EXPECT_EQ(counted.use_count(), 2);
    in.reset();
    EXPECT_FALSE(out.try_send(counted));
    EXPECT_FALSE(co_await creche::as_result(out.send(counted)));
  });
  EXPECT_EQ(counted.use_count(), 1);
}

TEST_F(Waiting, AnotherThreadWorks) {
  creche::run([]() -> task<> {
    const auto here = std::this_thread::get_id();
    int n = 1;
    EXPECT_NE(co_await creche::offload([] { return std::this_thread::get_id(); }), here);
    co_await creche::offload([&] { n++; });
    EXPECT_EQ(n, 2);
    EXPECT_EQ(std::this_thread::get_id(), here);
    EXPECT_THROW(co_await creche::offload([] { throw std::logic_error("there"); }),
                 std::logic_error);
    const auto text = co_await creche::offload([] { return std::string(100, 'x'); });
    EXPECT_EQ(text.size(), 100u);
    co_await creche::scope({}, [](creche::scope_handle s) -> task<> {
      s.cancel();
      co_await creche::offload([] { ADD_FAILURE() << "it was cancelled before"; });
    });
  });
}

TEST_F(Waiting, AnotherThreadSends) {
  creche::loop loop;
  auto [out, in] = creche::channel<int>(loop.get(), 4);
  std::thread other([sending = std::move(out)]() mutable {
    for (int i = 1; i <= 100; i++)
      while (!sending.try_send(i)) std::this_thread::yield();
  });
  creche::receiver<int>& receiving = in;
  const int sum = creche::run(loop, [&]() -> task<int> {
    int all = 0;
    while (auto item = co_await receiving.receive()) all += *item;
    co_return all;
  });
  other.join();
  EXPECT_EQ(sum, 5050);
}

TEST_F(Waiting, AnyCallOfTheCApi) {
  in_virtual_time([]() -> task<> {
    co_await creche::call([](creche_scope in, creche_done_fn done, void* user) {
      return creche_sleep(in, 5, nullptr, done, user, nullptr);
    });
    EXPECT_EQ(creche::now().count(), 5);
    const auto refused =
        co_await creche::call([](creche_scope in, creche_done_fn done, void* user) {
          return creche_sleep(in, -1, nullptr, done, user, nullptr);
        }).as_result();
    EXPECT_EQ(refused.error().status(), CRECHE_E_INVALID);
  });
}

}  // namespace
