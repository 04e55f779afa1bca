// creche/cpp/result.hpp: a value or an error (std::expected, which C++20 does not have).
#ifndef CRECHE_CPP_RESULT_HPP
#define CRECHE_CPP_RESULT_HPP

#include <optional>

#include "error.hpp"

namespace creche {

/// What everything that is called try_... gives. Of a failed one there is no value: `*` and `->`
/// are for after a look, value() throws the error.
template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;
  result(T value) : value_(std::move(value)) {}                  // NOLINT: converts on purpose
  result(creche::error failure) : error_(std::move(failure)) {}  // NOLINT

  bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }
  T& value() & { return check(), *value_; }
  const T& value() const& { return check(), *value_; }
  T&& value() && { return check(), *std::move(value_); }
  template <class U>
  T value_or(U&& other) && {
    return has_value() ? *std::move(value_) : static_cast<T>(std::forward<U>(other));
  }
  /// Its status is CRECHE_OK if there is a value.
  const creche::error& error() const noexcept { return error_; }

 private:
  void check() const {
    if (!has_value()) detail::raise(error_);
  }
  std::optional<T> value_;
  creche::error error_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;
  result() = default;
  result(creche::error failure) : error_(std::move(failure)) {}  // NOLINT

  bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }
  void value() const {
    if (!has_value()) detail::raise(error_);
  }
  const creche::error& error() const noexcept { return error_; }

 private:
  creche::error error_;
};

namespace detail {
template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;
}  // namespace detail

}  // namespace creche
#endif
