// creche/cpp/offload.hpp: functions that block or compute, on threads of the library.
#ifndef CRECHE_CPP_OFFLOAD_HPP
#define CRECHE_CPP_OFFLOAD_HPP

#include "operation.hpp"
#include "temporaries.hpp"

namespace creche {

namespace detail {

template <class F>
class [[nodiscard]] offloaded {
 public:
  using value_type = std::invoke_result_t<F&>;
  explicit offloaded(F f) : f_(std::move(f)) {}

  class awaiter : public waiting {
   public:
    explicit awaiter(F f) : f_(std::move(f)) {}
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
      return begin(*self.promise().on, self,
                   [this](creche_scope in, creche_done_fn done, void* user) {
                     return creche_offload(in, &awaiter::work, this, nullptr, done, user, nullptr);
                   });
    }
    value_type await_resume() {
      if (failed()) raise(failure());
      if (thrown_) std::rethrow_exception(std::move(thrown_));
      if constexpr (!std::is_void_v<value_type>) return *std::move(value_);
    }

   private:
    // On a worker's thread, while the coroutine waits.
    static creche_status work(void* self, creche_task, uint64_t*) noexcept {
      static_cast<awaiter*>(self)->work();
      return CRECHE_OK;
    }
    void work() noexcept {
      try {
        if constexpr (std::is_void_v<value_type>)
          f_();
        else
          value_.emplace(f_());
      } catch (...) {
        thrown_ = std::current_exception();
      }
    }
    F f_;
    std::conditional_t<std::is_void_v<value_type>, std::nullptr_t, std::optional<value_type>>
        value_{};
    std::exception_ptr thrown_;
  };
  awaiter operator co_await() && { return awaiter(std::move(f_)); }

 private:
  F f_;
};

}  // namespace detail

/// Runs f() on a thread that may block, and gives what it returns, or throws what it throws.
/// Cancelled before it has begun, it never runs; later, it is waited for.
template <class F>
auto offload(F&& f) {
  CRECHE_CPP_CHECK_TEMPORARY(F);
  return detail::offloaded<std::decay_t<F>>(std::forward<F>(f));
}

}  // namespace creche
#endif
