// creche/cpp/start.hpp: starting a child and waiting until it says that it is ready.
#ifndef CRECHE_CPP_START_HPP
#define CRECHE_CPP_START_HPP

#include "nursery.hpp"
#include "operation.hpp"
#include "temporaries.hpp"

namespace creche {

/// What a child of `start` gets: it says ready(), once, and whoever has started it goes on.
class starting {
 public:
  explicit starting(creche_task task) : task_(task) {}
  /// From now on it lives in its group. Throws `cancelled` if the starter is being cancelled.
  void ready() const { detail::check(creche_task_started(task_, 0)); }

 private:
  creche_task task_;
};

namespace detail {

template <class F>
class starting_child final : public root<value_of<F&, starting>> {
 public:
  starting_child(creche_loop loop, F&& f) : root<value_of<F&, starting>>(loop), f_(std::move(f)) {}
  static void body(void* user, const creche_completion* c) noexcept {
    if (c->kind != CRECHE_BEGIN) return;
    starting_child* const self = static_cast<starting_child*>(user);
    const starting here(c->task);
    self->begin(c->task, [&] { return self->f_(here); });
  }
  static void done(void* user, const creche_completion*) noexcept {
    delete static_cast<starting_child*>(user);
  }

 private:
  F f_;
};

}  // namespace detail

/// Starts f(starting), a coroutine, as a child of the group, and waits until it says ready(): a
/// server that listens, a connection that is made (trio's nursery.start). Until then it belongs to
/// the await: its failure is thrown here, and a cancellation here cancels it. One that ends without
/// is CRECHE_E_NOT_STARTED.
template <class F>
auto start(nursery& target, F&& f) {
  CRECHE_CPP_CHECK_TEMPORARY(F);
  using node = detail::starting_child<std::decay_t<F>>;
  return call([&target, f = std::decay_t<F>(std::forward<F>(f))](
                  creche_scope in, creche_done_fn done, void* user) mutable {
    auto made = std::make_unique<node>(target.loop(), std::move(f));
    auto o = detail::defaults<creche_start_options, creche_start_options_init>();
    o.child_done = &node::done;
    o.child_user = made.get();
    const creche_status status = creche_task_start(creche_group{target.scope()}, in, &node::body,
                                                   made.get(), &o, done, user, nullptr);
    if (status == CRECHE_OK) static_cast<void>(made.release());  // it deletes itself at its end
    return status;
  });
}

}  // namespace creche
#endif
