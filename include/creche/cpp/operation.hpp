// creche/cpp/operation.hpp: an asynchronous call of the C API as something to await.
#ifndef CRECHE_CPP_OPERATION_HPP
#define CRECHE_CPP_OPERATION_HPP

#include <utility>

#include "result.hpp"
#include "task.hpp"

namespace creche {

namespace detail {

/// One call with one completion, for as long as it is awaited: it lives in the coroutine's frame,
/// and the completion, which comes on the loop, resumes the coroutine right there, inside of the
/// callback. So what a completion has that is only good until the callback returns can be taken by
/// await_resume.
class waiting {
 public:
  waiting() = default;
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;
  bool await_ready() const noexcept { return false; }

 protected:
  /// Whether it was started, and is waited for. start: status(creche_scope in, done, user).
  template <class Start>
  bool begin(strand& on, std::coroutine_handle<> self, Start&& start) {
    on_ = &on;
    self_ = self;
    const creche_status status = start(on.scope(), &waiting::complete, static_cast<void*>(this));
    if (status == CRECHE_OK) return true;
    refused_ = error::last(status);
    return false;
  }
  bool failed() const { return completion_ == nullptr || completion_->status != CRECHE_OK; }
  error failure() {
    if (completion_ == nullptr) return std::move(refused_);
    if (completion_->flags & CRECHE_OWNED) creche_value_release(completion_->value);
    return {completion_->status, completion_->error};
  }
  /// Whether it has data, be it a failure or not.
  bool told() const { return completion_ != nullptr && completion_->data != nullptr; }
  const creche_completion& completion() const { return *completion_; }

 private:
  static void complete(void* user, const creche_completion* completion) noexcept {
    waiting* const self = static_cast<waiting*>(user);
    self->completion_ = completion;
    self->on_->run(self->self_);
  }

  strand* on_ = nullptr;
  std::coroutine_handle<> self_;
  const creche_completion* completion_ = nullptr;
  error refused_;
};

}  // namespace detail

/// An operation that starts when it is awaited, in the scope that the coroutine is in, and throws
/// if it fails. Await it where you make it. start: creche_status(creche_scope in, creche_done_fn
/// done, void* user); take: what its completion is worth.
template <class Start, class Take>
class [[nodiscard]] operation {
 public:
  operation(Start start, Take take) : start_(std::move(start)), take_(std::move(take)) {}
  using value_type = std::invoke_result_t<Take, const creche_completion&>;

  class awaiter : public detail::waiting {
   public:
    explicit awaiter(operation&& o) : start_(std::move(o.start_)), take_(std::move(o.take_)) {}
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
      return begin(*self.promise().on, self, start_);
    }
    value_type await_resume() {
      if (failed()) detail::raise(failure());
      return take_(completion());
    }

   protected:
    Start start_;
    Take take_;
  };
  awaiter operator co_await() && { return awaiter(std::move(*this)); }

  /// The same, giving a result: nothing is thrown, not for a cancellation either.
  auto as_result() && { return attempt(std::move(*this)); }

 private:
  class attempt_awaiter : public awaiter {
   public:
    using awaiter::awaiter;
    result<value_type> await_resume() {
      if (this->failed()) return this->failure();
      if constexpr (std::is_void_v<value_type>)
        return this->take_(this->completion()), result<void>();
      else
        return this->take_(this->completion());
    }
  };
  class [[nodiscard]] attempt {
   public:
    explicit attempt(operation&& o) : of_(std::move(o)) {}
    using value_type = result<typename operation::value_type>;
    attempt_awaiter operator co_await() && { return attempt_awaiter(std::move(of_)); }

   private:
    operation of_;
  };

  Start start_;
  Take take_;
};

namespace detail {
struct nothing {
  void operator()(const creche_completion&) const noexcept {}
};
}  // namespace detail

/// Awaits any asynchronous call of the C API: `co_await creche::call([&](creche_scope in,
/// creche_done_fn done, void* user) { return creche_sleep(in, 5, nullptr, done, user, nullptr);
/// })`. One with a single completion; take(const creche_completion&) makes the value of it, and
/// owns what that owns.
template <class Start, class Take = detail::nothing>
operation<Start, Take> call(Start start, Take take = {}) {
  return {std::move(start), std::move(take)};
}

}  // namespace creche
#endif
