// creche/cpp/run.hpp: from a thread that may wait into a coroutine, and back with its result.
#ifndef CRECHE_CPP_RUN_HPP
#define CRECHE_CPP_RUN_HPP

#include <atomic>

#include "loop.hpp"
#include "nursery.hpp"

namespace creche {

namespace detail {

/// The coroutine, shared by the thread that waits and the loop: who is done with it last deletes
/// it.
template <class F>
class main_root final : public root<value_of<F&>> {
 public:
  main_root(creche_loop loop, F&& f) : root<value_of<F&>>(loop), f_(std::move(f)) {}
  static void body(void* user, const creche_completion* c) noexcept {
    main_root* const self = static_cast<main_root*>(user);
    if (c->kind == CRECHE_BEGIN) self->begin(c->task, [self] { return self->f_(); });
  }
  static void done(void* user, const creche_completion*) noexcept {
    static_cast<main_root*>(user)->drop();
  }
  void drop() noexcept {
    if (users_.fetch_sub(1) == 1) delete this;
  }

 private:
  F f_;
  std::atomic<int> users_{2};
};

struct dropper {
  template <class R>
  void operator()(R* r) const noexcept {
    r->drop();
  }
};

template <class F>
auto run(creche_loop loop, F f) {
  using node = main_root<F>;
  // Here, where it can be said: waiting on a loop is not possible.
  const creche_status here = creche_loop_join(loop, 0);
  if (here == CRECHE_E_WOULD_DEADLOCK) throw error::last(here);
  auto o = defaults<creche_group_options, creche_group_options_init>();
  o.flags = CRECHE_GROUP_JOINABLE;
  creche_group group;
  check(creche_group_open(loop.scope, &o, &creche_nobody, nullptr, &group));
  std::unique_ptr<node, dropper> made(new node(loop, std::move(f)));
  const creche_status started = creche_task_spawn(group.scope, &node::body, made.get(), nullptr,
                                                  &node::done, made.get(), nullptr);
  const error refused = started == CRECHE_OK ? error() : error::last(started);
  if (refused) made->drop();
  creche_group_close(group);
  creche_status joined;
  do joined = creche_group_join(group, CRECHE_NEVER, nullptr);
  while (joined == CRECHE_E_INTERRUPTED);
  if (refused) throw refused;
  if (joined != CRECHE_OK) {
    creche_scope_cancel(group.scope, "nobody can wait for it");
    throw error::last(joined);
  }
  try {
    return made->take();
  } catch (const cancelled& e) {
    throw e.why();  // there is nobody further out whom it could mean
  }
}

}  // namespace detail

/// Runs a coroutine on a loop, from a thread that is none, and waits for its end: gives what it
/// returns, throws what it throws (a cancellation: as an `error`). f: task<T>(), kept until the
/// end. Signals do not end the wait; their handlers may call creche_scope_interrupt(loop.scope()).
template <detail::makes_task F>
auto run(loop& on, F f) {
  return detail::run(on.get(), std::move(f));
}
/// The same on a loop of its own, on this thread. In it, `creche::session web;` is one on this
/// loop.
template <detail::makes_task F>
auto run(F f) {
  loop own({.on_caller = true});
  return detail::run(own.get(), std::move(f));
}
/// The same for a coroutine that was called already.
template <class T>
T run(task<T> body) {
  return run(detail::give<T>{std::move(body)});
}
template <class T>
T run(loop& on, task<T> body) {
  return run(on, detail::give<T>{std::move(body)});
}

}  // namespace creche
#endif
