// creche/cpp/event.hpp: something that happens once.
#ifndef CRECHE_CPP_EVENT_HPP
#define CRECHE_CPP_EVENT_HPP

#include "handle.hpp"
#include "loop.hpp"
#include "operation.hpp"

namespace creche {

/// Set once, for ever; all who wait for it go on.
class event {
 public:
  /// On the loop of the coroutine that makes it.
  event() : event(current_loop()) {}
  explicit event(const loop& on) : event(on.get()) {}
  explicit event(creche_loop on) {
    creche_event raw;
    detail::check(creche_event_open(on, nullptr, &raw));
    raw_.reset(raw);
  }
  /// From any thread.
  void set() { creche_event_set(raw_.get()); }
  bool is_set() const { return creche_event_is_set(raw_.get()) == 1; }
  auto wait() {
    return call([raw = raw_.get()](creche_scope in, creche_done_fn done, void* user) {
      return creche_event_wait(raw, in, nullptr, done, user, nullptr);
    });
  }
  creche_event get() const noexcept { return raw_.get(); }

 private:
  detail::handle<creche_event, creche_event_release> raw_;
};

}  // namespace creche
#endif
