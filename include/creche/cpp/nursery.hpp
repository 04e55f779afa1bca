// creche/cpp/nursery.hpp: the group that a coroutine has opened: its children are started in it.
#ifndef CRECHE_CPP_NURSERY_HPP
#define CRECHE_CPP_NURSERY_HPP

#include <memory>
#include <tuple>

#include "options.hpp"
#include "root.hpp"

namespace creche {

namespace detail {

/// One child: the function, its arguments and the strand, in one piece, until its task has ended.
template <class F, class... A>
class spawned final : public root<value_of<F&, A&&...>> {
 public:
  spawned(creche_loop loop, F&& f, A&&... a)
      : root<value_of<F&, A&&...>>(loop), f_(std::move(f)), arguments_(std::move(a)...) {}

  static void body(void* user, const creche_completion* c) noexcept {
    if (c->kind != CRECHE_BEGIN) return;  // what it awaits is told of a cancellation
    spawned* const self = static_cast<spawned*>(user);
    self->begin(c->task, [self] {
      return std::apply([self](A&... a) { return self->f_(std::move(a)...); }, self->arguments_);
    });
  }
  static void done(void* user, const creche_completion*) noexcept {
    delete static_cast<spawned*>(user);
  }

 private:
  F f_;
  std::tuple<A...> arguments_;
};

/// Starts a coroutine as a task of its own in `in`.
template <class F, class... A>
creche_status spawn(creche_loop loop, creche_scope in, const task_options& options, F f, A... a) {
  using node = spawned<F, A...>;
  auto made = std::make_unique<node>(loop, std::move(f), std::move(a)...);
  const creche_task_options o = in_c(options);
  const creche_status status =
      creche_task_spawn(in, &node::body, made.get(), &o, &node::done, made.get(), nullptr);
  if (status == CRECHE_OK) static_cast<void>(made.release());  // it deletes itself at its end
  return status;
}

/// What may be started with these arguments, which are kept until then.
template <class F, class... A>
concept starts = makes_task<kept<F>, std::decay_t<A> &&...>;

/// A child that is a task already.
template <class T>
struct give {
  task<T> it;
  task<T> operator()() { return std::move(it); }
};

}  // namespace detail

/// What `group` gives its body: the place where children are started. It is there until the last of
/// them has ended; so they may have it by reference, and start others.
class nursery {
 public:
  nursery(const nursery&) = delete;
  nursery& operator=(const nursery&) = delete;

  /// Starts f(arguments...), a coroutine, as a child: it begins when this coroutine waits, and its
  /// group's limit allows. f and the arguments are kept until it has ended. A failure that leaves
  /// it is its group's. From any thread. Throws if it cannot be started (no memory; the group is
  /// over).
  template <class F, class... A>
  requires detail::starts<F, A...>
  void start_soon(F&& f, A&&... arguments) {
    start_soon(task_options{}, std::forward<F>(f), std::forward<A>(arguments)...);
  }
  template <class F, class... A>
  requires detail::starts<F, A...>
  void start_soon(const task_options& options, F&& f, A&&... arguments) {
    detail::check(detail::spawn<std::decay_t<F>, std::decay_t<A>...>(
        loop_, group_.scope, options, std::forward<F>(f), std::forward<A>(arguments)...));
  }
  /// The same for a coroutine that was called already. What it refers to must live until its end.
  template <class T>
  void start_soon(task<T> child, const task_options& options = {}) {
    start_soon(options, detail::give<T>{std::move(child)});
  }

  /// Cancels everything in it; the group catches that.
  void cancel(ctext reason = {}) noexcept { creche_scope_cancel(group_.scope, reason.c_str()); }
  /// What is started there by functions of the C API is a child.
  creche_scope scope() const noexcept { return group_.scope; }
  creche_loop loop() const noexcept { return loop_; }

 protected:
  nursery() = default;
  ~nursery() = default;
  creche_group group_{};
  creche_loop loop_{};
};

}  // namespace creche
#endif
