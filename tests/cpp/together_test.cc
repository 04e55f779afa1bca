// Several parts at a time, children that say when they are ready, and what a coroutine costs.
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "cpp_test.h"

using creche::nursery;
using creche::task;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 1
static thread_local int allocations = 0;
void* operator new(size_t size) {
  allocations++;
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
#endif

namespace {

using Together = Coroutines;

task<int> later(frame, int value, creche::duration after) {
  co_await creche::sleep(after);
  co_return value;
}
task<int> never_well(frame) {
  co_await creche::sleep(1s);
  throw std::logic_error("not well");
}

TEST_F(Together, AllGiveTheirValues) {
  in_virtual_time([]() -> task<> {
    auto [a, nothing, c] =
        co_await creche::all(later(frame(), 1, 3s), creche::sleep(1s), later(frame(), 3, 2s));
    static_cast<void>(nothing);
    EXPECT_EQ(a + c, 4);
    EXPECT_EQ(creche::now(), 3s);
    std::vector<task<int>> many;
    for (int i = 0; i < 6; i++) many.push_back(later(frame(), i, 1s));
    const std::vector<int> got = co_await creche::all(std::move(many), 2);
    EXPECT_EQ(got.size(), 6u);
    for (int i = 0; i < 6; i++) EXPECT_EQ(got[static_cast<size_t>(i)], i);
    EXPECT_EQ(creche::now(), 6s);
  });
}

TEST_F(Together, AFailureIsThrownBare) {
  in_virtual_time([]() -> task<> {
    EXPECT_THROW(co_await creche::all(later(frame(), 1, 1h), never_well(frame())),
                 std::logic_error);
    EXPECT_EQ(creche::now(), 1s);
  });
}

TEST_F(Together, StartWaitsUntilItIsReady) {
  std::string order;
  in_virtual_time([&]() -> task<> {
    co_await creche::group([&](nursery& n) -> task<> {
      const auto server = [&](creche::starting here) -> task<> {
        co_await creche::sleep(1s);
        order += 'r';
        here.ready();
        co_await creche::sleep(5s);
        order += 'e';
      };
      co_await creche::start(n, server);
      order += 's';
      EXPECT_EQ(creche::now(), 1s);
    });
    EXPECT_EQ(creche::now(), 6s);
  });
  EXPECT_EQ(order, "rse");
}

TEST_F(Together, StartTellsWhyItDidNot) {
  in_virtual_time([&]() -> task<> {
    co_await creche::group([&](nursery& n) -> task<> {
      const auto fails = [](creche::starting) -> task<> {
        co_await creche::sleep(1s);
        throw std::logic_error("no");
      };
      const auto bad = co_await creche::start(n, fails).as_result();
      EXPECT_THROW(bad.error().rethrow(), std::logic_error);
      const auto forgets = [](creche::starting) -> task<> { co_return; };
      const auto none = co_await creche::start(n, forgets).as_result();
      EXPECT_EQ(none.error().status(), CRECHE_E_NOT_STARTED);
      co_await creche::sleep(1s);  // the group is well
    });
  });
}

#ifdef COUNTS_ALLOCATIONS
task<int> one(int n) {
  co_return n;
}

TEST_F(Together, ACoroutineCostsOneAllocationAndAnAwaitNone) {
  creche::run([]() -> task<> {
    co_await creche::yield();
    int before = allocations, sum = 0;
    for (int i = 0; i < 1000; i++) sum += co_await one(i);
    EXPECT_EQ(allocations - before, 1000);
    EXPECT_EQ(sum, 499500);
    for (int i = 0; i < 100; i++)
      co_await creche::yield();  // what the library needs, it has by now
    before = allocations;
    for (int i = 0; i < 1000; i++) co_await creche::yield();
    EXPECT_EQ(allocations - before, 0);
  });
}
#endif

}  // namespace
