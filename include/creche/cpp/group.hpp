// creche/cpp/group.hpp: groups: a body and children, of whom none outlives it.
#ifndef CRECHE_CPP_GROUP_HPP
#define CRECHE_CPP_GROUP_HPP

#include "nursery.hpp"
#include "operation.hpp"
#include "temporaries.hpp"

namespace creche {

/// What a failure of one child means for the others.
enum class policy : uint32_t {
  fail_fast = CRECHE_FAIL_FAST,  ///< it cancels them
  collect = CRECHE_COLLECT,      ///< nothing: errors are results
  race = CRECHE_RACE             ///< nothing; the first success cancels them
};

/// Options of a group: creche_group_options.
struct group_options {
  uint32_t limit = 0;  ///< children at a time; 0: no limit
  duration timeout = never;
  creche::on_timeout on_timeout = creche::on_timeout::fail;
  creche::policy policy = creche::policy::fail_fast;
  bool shield = false;
  /// If just one failure has ended the group, that is thrown as it is, not as the tree that it is
  /// alone in.
  bool bare = false;
  ctext name = {};
};

/// How something was left that did not fail.
struct outcome {
  bool caught = false;  ///< it was cancelled, or its time was over, and it has absorbed that
};

namespace detail {

/// A body that awaits nothing need be no coroutine.
template <class F>
task<> run_plain(F& f, nursery& n) {
  f(n);
  co_return;
}
template <class F>
task<> run_body(F& f, nursery& n) {
  if constexpr (makes_task<F&, nursery&>)
    return f(n);
  else
    return run_plain(f, n);
}

/// The group while it is awaited, in the frame of `group` below: opens both it and its body's task,
/// and goes on with the completion of the group, which comes after all others.
template <class F>
class open_group : public nursery {
  class body_root final : public root<void> {
   public:
    using root<void>::root;
  };

 public:
  open_group(const group_options& options, F& f) : options_(options), f_(f) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    outer_ = self.promise().on;
    self_ = self;
    loop_ = outer_->loop();
    body_.set_loop(loop_);
    auto o = defaults<creche_group_options, creche_group_options_init>();
    o.limit = options_.limit;
    o.timeout = options_.timeout.count();
    o.on_timeout = static_cast<uint32_t>(options_.on_timeout);
    o.policy = static_cast<uint32_t>(options_.policy);
    o.shield = options_.shield;
    o.name = options_.name.c_str();
    creche_status status =
        creche_group_open(outer_->scope(), &o, &open_group::ended, this, &group_);
    if (status != CRECHE_OK) {
      failure_ = error::last(status);
      return false;
    }
    creche_task_options b = in_c(task_options{.name = "body"});
    b.flags = CRECHE_TASK_BODY;
    status = creche_task_open(group_.scope, &b, &open_group::body, this, nullptr);
    if (status != CRECHE_OK) {  // it ends at once, and its completion goes on here
      refused_ = error::last(status);
      creche_group_close(group_);
    }
    return true;
  }
  outcome await_resume() {
    if (refused_) raise(std::move(refused_));
    if (failure_) {
      if (options_.bare && failure_.status() == CRECHE_E_GROUP) failure_.rethrow();
      raise(std::move(failure_));
    }
    // Nobody counts failures where they are no failures of the group's: the body's is told all the
    // same.
    if (body_.thrown() && !body_.told().is_cancelled()) body_.take();
    return outcome_;
  }

 private:
  static void body(void* user, const creche_completion* c) noexcept {
    if (c->kind != CRECHE_BEGIN) return;
    open_group* const self = static_cast<open_group*>(user);
    self->body_.begin(c->task, [self] { return run_body(self->f_, *self); });
  }
  static void ended(void* user, const creche_completion* c) noexcept {
    open_group* const self = static_cast<open_group*>(user);
    if (c->status != CRECHE_OK) self->failure_ = error(c->status, c->error);
    self->outcome_.caught = (c->flags & CRECHE_CAUGHT) != 0;
    self->outer_->run(self->self_);
  }

  const group_options& options_;
  F& f_;
  body_root body_;
  strand* outer_ = nullptr;
  std::coroutine_handle<> self_;
  error failure_;
  error refused_;
  outcome outcome_;
};

template <class F>
concept group_body = std::is_invocable_r_v < task<>,
        std::decay_t<F>
&, nursery& > || std::is_void_v<std::invoke_result_t<std::decay_t<F>&, nursery&>>;

template <class F>
task<outcome> run_group(group_options options, F body) {
  open_group<F> opened(options, body);
  co_return co_await opened;
}

}  // namespace detail

/// Opens a group, runs body(nursery&), a coroutine (or a plain function, if it only starts
/// children), and ends when that and all that was started in the group have ended: nobody outlives
/// it, whatever happens. So children may refer to what is around it.
///
/// A failure of the body or of a child cancels the others (policy::fail_fast), and is thrown here
/// behind the end of all of them: an `error` with CRECHE_E_GROUP, its children() a tree of
/// failures, an exception of the program's own carried by exception(); rethrow() throws the single
/// one. A timeout is an `error` with CRECHE_E_TIMEOUT (or, with on_timeout::move_on, only `caught`
/// in the outcome); a cancellation from further out is thrown as `cancelled`.
template <detail::group_body F>
task<outcome> group(const group_options& options, F&& body) {
  CRECHE_CPP_CHECK_TEMPORARY(F);
  return detail::run_group<std::decay_t<F>>(options, std::forward<F>(body));
}
template <detail::group_body F>
task<outcome> group(F&& body) {
  return group(group_options{}, std::forward<F>(body));
}

}  // namespace creche
#endif
