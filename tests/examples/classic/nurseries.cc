// The classic examples of structured concurrency, by creche.hpp, on a clock that jumps.
#include <creche/creche.hpp>
#include <iostream>

using namespace std::chrono_literals;

namespace {

// show: nursery
creche::task<> child(const char* name, creche::duration time) {
  co_await creche::sleep(time);
  std::cout << name << " is done\n";
}
creche::task<> nursery() {
  co_await creche::group([](creche::nursery& n) {
    n.start_soon(child("slow", 200ms));
    n.start_soon(child("quick", 100ms));
  });
  std::cout << "all are done\n";
}
// end: nursery

// show: chained
creche::task<> level(int depth) {
  try {
    co_await creche::group([=](creche::nursery& below) -> creche::task<> {
      if (depth < 3) below.start_soon(level(depth + 1));
      co_await creche::sleep(1h);
    });
  } catch (const creche::cancelled&) {
    std::cout << "level " << depth << " ends\n";
    throw;
  }
}
creche::task<> chained() {
  co_await creche::move_on(100ms, level(1));
}
// end: chained

// show: task_group
creche::task<int> add(int a, int b) {
  co_await creche::sleep(100ms);
  co_return a + b;
}
creche::task<> task_group() {
  auto [one, two] = co_await creche::all(add(1, 2), add(3, 4));
  std::cout << one << ' ' << two << '\n';
}
// end: task_group

// show: shield
creche::task<> cleanup() {
  co_await creche::sleep(100ms);
  std::cout << "cleaned up\n";
}
creche::task<> shield() {
  co_await creche::move_on(100ms, creche::try_finally(creche::sleep(1h), cleanup, 5s));
}
// end: shield

}  // namespace

int main() {
  creche::loop on({.on_caller = true, .virtual_clock = true});
  creche::run(on, []() -> creche::task<> {
    co_await nursery();
    co_await chained();
    co_await task_group();
    co_await shield();
  });
}
