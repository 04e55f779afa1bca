// creche/cpp/error.hpp: what went wrong, as a value and as an exception.
#ifndef CRECHE_CPP_ERROR_HPP
#define CRECHE_CPP_ERROR_HPP

#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "text.hpp"

namespace creche {

namespace detail {
/// The status under which an exception of the program travels through the library, with a
/// std::exception_ptr as its cookie: an odd number, so that nobody else's cookie is taken for one.
inline constexpr creche_status exception_status = -1667457891;
}  // namespace detail

/// A failure: thrown by what is called `fetch`, `query` and so on, and the error of a `result` of
/// what is called `try_fetch`, `try_query`. Cheap to copy. It is never thrown for a cancellation:
/// that is `cancelled`.
class error final : public std::exception {
 public:
  error() = default;
  /// Without details.
  explicit error(creche_status status) : status_(status) {}
  /// A copy of `raw`, which may be NULL; it lives on by itself.
  error(creche_status status, const creche_error* raw)
      : status_(status), raw_(creche_error_keep(raw)) {}
  /// The last synchronous failure of this thread.
  static error last(creche_status status) { return {status, creche_last_error()}; }
  /// A failure of your own: `status` is CRECHE_E_USER or -1000 and below.
  error(creche_status status, ctext message) : status_(status) {
    creche_error_new(status, message.c_str(), nullptr, nullptr, nullptr, &raw_);
  }
  /// Of these headers: `text` is static.
  static error plain(creche_status status, const char* text) {
    error made(status);
    made.text_ = text;
    return made;
  }
  error(const error& o) noexcept
      : std::exception(o), status_(o.status_), raw_(creche_error_keep(o.raw_)), text_(o.text_) {}
  error(error&& o) noexcept
      : std::exception(o),
        status_(o.status_),
        raw_(std::exchange(o.raw_, nullptr)),
        text_(o.text_) {}
  error& operator=(error o) noexcept {
    std::swap(status_, o.status_);
    std::swap(raw_, o.raw_);
    std::swap(text_, o.text_);
    return *this;
  }
  ~error() override { creche_error_release(raw_); }

  /// One line: what happened and what to do.
  const char* what() const noexcept override {
    if (raw_ != nullptr) return raw_->message;
    return text_ != nullptr ? text_ : creche_status_name(status_);
  }
  std::string_view message() const noexcept { return what(); }
  creche_status status() const noexcept { return status_; }
  const char* status_name() const noexcept { return creche_status_name(status_); }
  bool is_cancelled() const noexcept { return status_ == CRECHE_E_CANCELLED; }
  bool is_timeout() const noexcept { return status_ == CRECHE_E_TIMEOUT; }
  bool is_retryable() const noexcept { return creche_error_is_retryable(raw_) != 0; }

  /// CRECHE_PHASE_*, CRECHE_REASON_* and its text; 0 and "" where there is none.
  uint32_t phase() const noexcept { return raw_ != nullptr ? raw_->phase : 0; }
  uint32_t reason() const noexcept { return raw_ != nullptr ? raw_->reason : 0; }
  std::string_view reason_text() const noexcept {
    return raw_ != nullptr && raw_->reason_text != nullptr ? raw_->reason_text : "";
  }
  uint32_t http_status() const noexcept { return raw_ != nullptr ? raw_->http_status : 0; }
  std::string_view http_body() const noexcept {
    return raw_ != nullptr && raw_->http_body != nullptr
               ? std::string_view(raw_->http_body, raw_->http_body_size)
               : std::string_view();
  }
  std::string_view sqlstate() const noexcept { return raw_ != nullptr ? raw_->sqlstate : ""; }
  int system_errno() const noexcept { return raw_ != nullptr ? raw_->system_errno : 0; }

  /// The failures of a group's children, in order of completion: a tree.
  std::vector<error> children() const {
    std::vector<error> all;
    for (size_t i = 0; raw_ != nullptr && i < raw_->children_count; i++)
      all.emplace_back(raw_->children[i]->status, raw_->children[i]);
    return all;
  }
  /// The failures at the leaves of that tree; of an error that is no group's, itself.
  std::vector<error> leaves() const {
    if (raw_ == nullptr) return status_ != CRECHE_OK ? std::vector{*this} : std::vector<error>();
    std::vector<const creche_error*> raw(creche_error_flatten(raw_, nullptr, 0));
    creche_error_flatten(raw_, raw.data(), raw.size());
    std::vector<error> all;
    for (const creche_error* one : raw) all.emplace_back(one->status, one);
    return all;
  }
  /// What this was caused by; an empty error (its status is CRECHE_OK) if nothing is known.
  error cause() const {
    return raw_ != nullptr && raw_->cause != nullptr ? error(raw_->cause->status, raw_->cause)
                                                     : error();
  }
  /// The exception that ended a coroutine, which this carries from there; NULL if it is none.
  std::exception_ptr exception() const noexcept {
    if (raw_ == nullptr || raw_->status != detail::exception_status) return nullptr;
    return *static_cast<std::exception_ptr*>(raw_->cookie);
  }
  /// Throws what a failed coroutine threw: the exception that this carries; of a group with exactly
  /// one failure at its leaves, that one's; otherwise this error itself.
  [[noreturn]] void rethrow() const {
    if (const std::exception_ptr carried = exception()) std::rethrow_exception(carried);
    const creche_error* only = nullptr;
    if (raw_ != nullptr && raw_->children_count > 0 && raw_->children_dropped == 0 &&
        creche_error_flatten(raw_, &only, 1) == 1)
      error(only->status, only).rethrow();
    throw *this;
  }

  /// All fields, creche_error in creche/base.h; NULL if it has no details. Lives as long as this.
  const creche_error* get() const noexcept { return raw_; }
  /// There is a failure.
  explicit operator bool() const noexcept { return status_ != CRECHE_OK; }

 private:
  creche_status status_ = CRECHE_OK;
  const creche_error* raw_ = nullptr;
  const char* text_ = nullptr;
};

/// Thrown by an await in a scope that is cancelled: it unwinds the coroutine, up to where the
/// cancellation ends. No std::exception, so that handlers of failures do not stop it; what catches
/// everything ("...") must throw it again. To clean up with awaits of your own, open a shield.
class cancelled {
 public:
  explicit cancelled(error why) noexcept : why_(std::move(why)) {}
  /// Who has cancelled, and why: reason(), reason_text().
  const error& why() const noexcept { return why_; }

 private:
  error why_;
};

namespace detail {
[[noreturn]] inline void raise(error failure) {
  if (failure.is_cancelled()) throw cancelled(std::move(failure));
  throw failure;
}
/// For calls that answer at once.
inline void check(creche_status status) {
  if (status != CRECHE_OK) raise(error::last(status));
}
}  // namespace detail

}  // namespace creche
#endif
