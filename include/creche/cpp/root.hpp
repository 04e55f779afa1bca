// creche/cpp/root.hpp: a coroutine as the body of a task of the library.
#ifndef CRECHE_CPP_ROOT_HPP
#define CRECHE_CPP_ROOT_HPP

#include <new>
#include <optional>
#include <utility>

#include "result.hpp"
#include "task.hpp"

namespace creche::detail {

/// What a coroutine threw, as the library has it: the failures of the library as they are, all
/// others in a cookie.
inline error error_of(const std::exception_ptr& thrown) noexcept {
  const char* text = "an exception that is no std::exception";
  try {
    std::rethrow_exception(thrown);
  } catch (const cancelled& e) {
    return e.why();
  } catch (const error& e) {
    return e.status() == CRECHE_OK ? error(CRECHE_E_USER) : e;
  } catch (const std::bad_alloc&) {
    return error(CRECHE_E_NO_MEMORY);
  } catch (const std::exception& e) {
    text = e.what();
  } catch (...) {
  }
  std::exception_ptr* const cookie = new (std::nothrow) std::exception_ptr(thrown);
  if (cookie == nullptr) return error(CRECHE_E_NO_MEMORY);
  const creche_error* raw = nullptr;
  const auto drop = [](void* p) { delete static_cast<std::exception_ptr*>(p); };
  if (creche_error_new(exception_status, text, cookie, drop, nullptr, &raw) != CRECHE_OK) {
    delete cookie;
    return error(CRECHE_E_NO_MEMORY);
  }
  const error made(exception_status, raw);
  creche_error_release(raw);
  return made;
}

/// The strand whose first coroutine is the body of a creche task: it begins with CRECHE_BEGIN, and
/// its end is creche_task_finish. So group, limit, deadlines and cancellation are the library's
/// own.
template <class T>
class root : public strand {
 public:
  explicit root(creche_loop loop = {}) { loop_ = loop; }
  void set_loop(creche_loop loop) { loop_ = loop; }

  /// With CRECHE_BEGIN, on the loop. make: task<T>().
  template <class Make>
  void begin(creche_task task, Make&& make) noexcept {
    task_ = task;
    root_section_.scope = task.scope;
    try {
      body_ = make();
    } catch (...) {  // it is no coroutine, or there is no memory for its frame
      thrown_ = std::current_exception();
      return finish();
    }
    root_ = body_.handle();
    body_.handle().promise().on = this;
    run(root_);
  }
  bool begun() const { return task_.scope.id != 0; }
  /// What it threw, once it has ended.
  const std::exception_ptr& thrown() const { return thrown_; }
  /// What it returned or threw, once it has ended.
  T take() {
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    if constexpr (!std::is_void_v<T>) return *std::move(value_);
  }
  /// Its end as it was told to the library; CRECHE_OK if it returned.
  const error& told() const { return told_; }
  /// Before it begins again (a transaction that is tried again).
  void reset() noexcept {
    thrown_ = nullptr;
    told_ = {};
    if constexpr (!std::is_void_v<T>) value_.reset();
  }

 protected:
  ~root() = default;

 private:
  void root_done() noexcept override {
    auto& promise = body_.handle().promise();
    thrown_ = std::move(promise.exception);
    if constexpr (!std::is_void_v<T>) {
      if (!thrown_) try {
          value_.emplace(promise.take());
        } catch (...) {
          thrown_ = std::current_exception();
        }
    }
    root_ = nullptr;
    body_.reset();
    finish();
  }
  void finish() noexcept {
    if (thrown_) told_ = error_of(thrown_);
    if constexpr (is_result<T>) {
      if (!thrown_ && !value_->has_value())
        told_ = value_->error() ? value_->error() : error(CRECHE_E_USER);
    }
    root_section_
        .end_all();  // streams that the coroutine has put somewhere else: nobody waits for them
    // A deadline's error has the message of the cancellation that it was: that is no error of its
    // status.
    const creche_error* const raw = told_.get();
    const bool same = raw != nullptr && raw->status == told_.status();
    creche_status ended = creche_task_finish(task_, told_.status(), 0, same ? raw : nullptr);
    if (ended == CRECHE_E_NO_MEMORY) ended = creche_task_finish(task_, told_.status(), 0, nullptr);
    if (ended != CRECHE_OK)  // a status of the program's that is none
      creche_task_finish(task_, CRECHE_E_USER, 0, nullptr);
  }

  using stored = std::conditional_t<std::is_void_v<T>, std::nullptr_t, std::optional<T>>;
  task<T> body_;
  [[no_unique_address]] stored value_;
  std::exception_ptr thrown_;
  error told_;
};

}  // namespace creche::detail
#endif
