// creche/cpp/task.hpp: task<T>, the type of coroutines.
#ifndef CRECHE_CPP_TASK_HPP
#define CRECHE_CPP_TASK_HPP

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "strand.hpp"

namespace creche {

template <class T>
class task;

namespace detail {

class promise_base {
 public:
  struct last {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      promise_base& promise = self.promise();
      if (promise.continuation) promise.on->follow(promise.continuation);
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  last final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }

  strand* on = nullptr;  // from when it is started
  std::coroutine_handle<> continuation;
  std::exception_ptr exception;
};

template <class T>
class promise final : public promise_base {
 public:
  inline task<T> get_return_object() noexcept;
  template <std::convertible_to<T> U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    if (exception) std::rethrow_exception(std::move(exception));
    return *std::move(value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class promise<void> final : public promise_base {
 public:
  inline task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {
    if (exception) std::rethrow_exception(std::move(exception));
  }
};

}  // namespace detail

/// A coroutine: `creche::task<int> f(...) { ... co_await ...; co_return 1; }`. It starts when it is
/// awaited (by another one, a group, or creche::run), runs on the loop's thread, and has ended, its
/// frame freed, when that await is over. One that is never awaited never starts. Its frame is the
/// one allocation it costs.
///
/// Whatever a coroutine uses must live until it has ended. Parameters by value live in its frame;
/// what a reference names must be the caller's, who waits. A lambda's captures are the lambda's,
/// not the coroutine's: `[x]() -> creche::task<> {...}()` is wrong, as `[x]` is gone after the
/// first await. Give the lambda itself, without calling it, to what starts it (start_soon, group,
/// deadline, run): that keeps it until the end.
template <class T = void>
class [[nodiscard]] task {
  static_assert(!std::is_reference_v<T>, "a task gives values: return a pointer");

 public:
  using value_type = T;
  using promise_type = detail::promise<T>;

  task() = default;
  explicit task(std::coroutine_handle<promise_type> self) noexcept : self_(self) {}
  task(task&& o) noexcept : self_(std::exchange(o.self_, nullptr)) {}
  task& operator=(task&& o) noexcept {
    if (this != &o) {
      reset();
      self_ = std::exchange(o.self_, nullptr);
    }
    return *this;
  }
  ~task() { reset(); }

  /// Of what runs it.
  std::coroutine_handle<promise_type> handle() const noexcept { return self_; }
  void reset() noexcept {
    if (self_) std::exchange(self_, nullptr).destroy();
  }

  class awaiter {
   public:
    explicit awaiter(std::coroutine_handle<promise_type> self) noexcept : self_(self) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> outer) noexcept {
      detail::promise_base& promise = self_.promise();
      promise.on = outer.promise().on;
      promise.continuation = outer;
      promise.on->follow(self_);
    }
    T await_resume() { return self_.promise().take(); }

   private:
    std::coroutine_handle<promise_type> self_;
  };
  awaiter operator co_await() && noexcept { return awaiter(self_); }

 private:
  std::coroutine_handle<promise_type> self_;
};

namespace detail {

template <class T>
task<T> promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<promise>::from_promise(*this));
}
inline task<void> promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<promise>::from_promise(*this));
}

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

/// The T of the task<T> that a call gives.
template <class F, class... A>
using value_of = typename std::invoke_result_t<F, A...>::value_type;
/// What is kept of a function that is given, as it is called.
template <class F>
using kept = std::decay_t<F>&;
/// What gives a task<T> when it is called with these.
template <class F, class... A>
concept makes_task = std::is_invocable_v<F, A...> && is_task<std::invoke_result_t<F, A...>>;

}  // namespace detail

}  // namespace creche
#endif
