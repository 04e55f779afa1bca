// creche/cpp/limiter.hpp: how many may do something at a time, and how often.
#ifndef CRECHE_CPP_LIMITER_HPP
#define CRECHE_CPP_LIMITER_HPP

#include <optional>

#include "handle.hpp"
#include "loop.hpp"
#include "operation.hpp"

namespace creche {

/// A token of a limiter: given back at its end. It belongs to the task or group that it was
/// acquired in.
using token = detail::handle<creche_token, creche_token_release>;

/// So many tokens; one is a lock. First come, first served.
class limiter {
 public:
  /// On the loop of the coroutine that makes it.
  explicit limiter(uint32_t total = 1) : limiter(current_loop(), total) {}
  limiter(const loop& on, uint32_t total) : limiter(on.get(), total) {}
  limiter(creche_loop on, uint32_t total) {
    auto o = detail::defaults<creche_limiter_options, creche_limiter_options_init>();
    o.total = total;
    creche_limiter raw;
    detail::check(creche_limiter_open(on, &o, &raw));
    raw_.reset(raw);
  }
  /// `auto held = co_await limiter.acquire();`
  auto acquire() {
    return call(
        [raw = raw_.get()](creche_scope in, creche_done_fn done, void* user) {
          return creche_limiter_acquire(raw, in, 0, nullptr, done, user, nullptr);
        },
        [](const creche_completion& c) { return token(creche_token{c.value}); });
  }
  /// Now, or an empty one. In a coroutine.
  token try_acquire() {
    creche_token got{};
    const bool there = creche_limiter_try(raw_.get(), current_scope(), 0, &got) == CRECHE_OK;
    return token(there ? got : creche_token{});
  }
  void set_total(uint32_t total) { creche_limiter_set_total(raw_.get(), total); }
  creche_limiter get() const noexcept { return raw_.get(); }

 private:
  detail::handle<creche_limiter, creche_limiter_release> raw_;
};

/// Options of a rate: creche_rate_options.
struct rate_options {
  uint32_t permits = 1;
  duration interval = std::chrono::seconds(1);
  uint32_t burst = 0;  ///< at once, after a pause; 0: as many as permits
};

/// So many permits in each interval, evenly. First come, first served.
class rate {
 public:
  /// On the loop of the coroutine that makes it.
  explicit rate(const rate_options& options) : rate(current_loop(), options) {}
  rate(const loop& on, const rate_options& options) : rate(on.get(), options) {}
  rate(creche_loop on, const rate_options& options) {
    auto o = detail::defaults<creche_rate_options, creche_rate_options_init>();
    o.permits = options.permits;
    o.interval = options.interval.count();
    o.burst = options.burst;
    creche_rate raw;
    detail::check(creche_rate_open(on, &o, &raw));
    raw_.reset(raw);
  }
  /// Waits until they are there, and uses them up.
  auto acquire(uint32_t permits = 1) {
    return call([raw = raw_.get(), permits](creche_scope in, creche_done_fn done, void* user) {
      return creche_rate_acquire(raw, in, permits, nullptr, done, user, nullptr);
    });
  }
  bool try_acquire(uint32_t permits = 1) {
    return creche_rate_try(raw_.get(), permits) == CRECHE_OK;
  }
  creche_rate get() const noexcept { return raw_.get(); }

 private:
  detail::handle<creche_rate, creche_rate_release> raw_;
};

}  // namespace creche
#endif
