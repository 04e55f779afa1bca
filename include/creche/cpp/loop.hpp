// creche/cpp/loop.hpp: loops, and the way into them from a thread that may wait.
#ifndef CRECHE_CPP_LOOP_HPP
#define CRECHE_CPP_LOOP_HPP

#include "options.hpp"
#include "strand.hpp"

namespace creche {

/// Options of a loop: creche_loop_options.
struct loop_options {
  bool on_caller = false;  ///< it has no thread, but is turned by the thread that waits in run()
  bool virtual_clock = false;  ///< for tests: time passes when nothing else can happen
  duration stall_after{0};     ///< callbacks that take longer are reported; 0: none is
  duration busy_poll{0};
  uint32_t offload_limit = 40;
  ctext name = {};
};

/// A loop. Its end closes it: everything in it is cancelled, and awaited.
class loop {
 public:
  explicit loop(const loop_options& options = {}) {
    auto o = detail::defaults<creche_loop_options, creche_loop_options_init>();
    o.run = options.on_caller ? CRECHE_RUN_CALLER : CRECHE_RUN_THREAD;
    o.clock = options.virtual_clock ? CRECHE_CLOCK_VIRTUAL : CRECHE_CLOCK_REAL;
    o.stall_after = options.stall_after.count();
    o.busy_poll = options.busy_poll.count();
    o.offload_limit = options.offload_limit;
    o.name = options.name.c_str();
    detail::check(creche_loop_open(&o, &raw_));
  }
  loop(loop&& o) noexcept : raw_(std::exchange(o.raw_, creche_loop{})) {}
  loop& operator=(loop&& o) noexcept {
    if (this != &o) {
      join();
      raw_ = std::exchange(o.raw_, creche_loop{});
    }
    return *this;
  }
  ~loop() { join(); }

  creche_loop get() const noexcept { return raw_; }
  creche_scope scope() const noexcept { return raw_.scope; }
  /// Asks everything in it to end, without waiting. From any thread.
  void close() noexcept { creche_loop_close(raw_); }

 private:
  void join() noexcept {
    if (raw_.scope.id == 0) return;
    creche_loop_close(raw_);
    while (creche_loop_join(raw_, CRECHE_NEVER) == CRECHE_E_INTERRUPTED) continue;
    raw_ = {};
  }
  creche_loop raw_{};
};

namespace detail {
inline strand& here() {
  if (running == nullptr)
    throw error::plain(CRECHE_E_STATE, "this is no coroutine: say which loop is meant");
  return *running;
}
}  // namespace detail

/// The loop of the coroutine that runs here; throws CRECHE_E_STATE where none does.
inline creche_loop current_loop() {
  return detail::here().loop();
}
/// The scope that it is in, for functions of the C API.
inline creche_scope current_scope() {
  return detail::here().scope();
}

}  // namespace creche
#endif
