// creche/cpp/sleep.hpp: waiting for time to pass, and for others to have their turn.
#ifndef CRECHE_CPP_SLEEP_HPP
#define CRECHE_CPP_SLEEP_HPP

#include "loop.hpp"
#include "operation.hpp"

namespace creche {

/// Never less than `time`, from the await on.
inline auto sleep(duration time) {
  return call([time](creche_scope in, creche_done_fn done, void* user) {
    return creche_sleep(in, time.count(), nullptr, done, user, nullptr);
  });
}
/// Until a point of the loop's clock (see now()); `never`: until it is cancelled.
inline auto sleep_until(duration point) {
  return call([point](creche_scope in, creche_done_fn done, void* user) {
    return creche_sleep_until(in, point.count(), nullptr, done, user, nullptr);
  });
}
/// Lets others go on, and notices a cancellation: a checkpoint.
inline auto yield() {
  return call([](creche_scope in, creche_done_fn done, void* user) {
    return creche_yield(in, nullptr, done, user, nullptr);
  });
}
/// The clock of the loop of the coroutine that runs here.
inline duration now() {
  int64_t now = 0;
  detail::check(creche_now(current_scope(), &now));
  return duration(now);
}

}  // namespace creche
#endif
