// What the tests of creche.hpp share: loops whose time passes by itself, and a count of frames.
#ifndef CPP_CPP_TEST_H
#define CPP_CPP_TEST_H

#include <gtest/gtest.h>
#include <creche/creche.hpp>

#include <string>
#include <vector>

using namespace std::chrono_literals;

// Runs a coroutine on a loop with a virtual clock: sleeping costs no time, and its order is
// certain.
template <class F>
auto in_virtual_time(F body) {
  creche::loop loop({.on_caller = true, .virtual_clock = true});
  return creche::run(loop, std::move(body));
}

// A parameter by value of a coroutine: there are as many as frames.
class frame {
 public:
  frame() { live++; }
  frame(const frame&) { live++; }
  frame(frame&&) noexcept { live++; }
  ~frame() { live--; }
  static inline int live = 0;
};

// At the end of each test no frame is left.
class Coroutines : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(frame::live, 0); }
  void TearDown() override { EXPECT_EQ(frame::live, 0) << "a coroutine's frame was not freed"; }
};

#endif
