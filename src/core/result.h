// Result<T>: a value or an Error. What domain code returns; exceptions are for allocation failure
// only and die in capi/guard.
#pragma once
#include <optional>
#include <utility>
#include <variant>

#include "core/error.h"

namespace creche {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}
  Result(ErrorRef error) : v_(std::in_place_index<1>, std::move(error)) {}
  bool ok() const noexcept { return v_.index() == 0; }
  T& value() & { return std::get<0>(v_); }
  const T& value() const& { return std::get<0>(v_); }
  T&& value() && { return std::get<0>(std::move(v_)); }
  const ErrorRef& error() const { return std::get<1>(v_); }

 private:
  std::variant<T, ErrorRef> v_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(ErrorRef error) : error_(std::move(error)) {}
  bool ok() const noexcept { return !error_; }
  const ErrorRef& error() const noexcept { return error_; }

 private:
  ErrorRef error_;
};

}  // namespace creche
