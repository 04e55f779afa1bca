// creche/cpp/value.hpp: what may be a parameter of a statement.
#ifndef CRECHE_CPP_VALUE_HPP
#define CRECHE_CPP_VALUE_HPP

#include <array>
#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "text.hpp"

namespace creche {

/// Specialise it for a type of your own: `static auto of(const T&)` gives a creche_value, whose
/// data must live as long as the T, or anything else that is a parameter.
template <class T>
struct parameter;

namespace detail {

/// A value that has its bytes with it.
struct kept_value {
  uint32_t type;
  uint32_t form;
  std::string bytes;
};
inline creche_value in_c(const creche_value& v) {
  return v;
}
inline creche_value in_c(const kept_value& v) {
  return creche_value_of(v.type, v.form, v.bytes.data(), v.bytes.size());
}

template <class T>
concept text_like = std::convertible_to<const T&, std::string_view>;
template <class T>
concept bytes_like = std::convertible_to<const T&, std::span<const std::byte>> && !text_like<T>;

/// Everything that is a parameter ends here.
inline creche_value encode(const creche_value& v) {
  return v;
}
inline kept_value encode(kept_value v) {
  return v;
}
template <class T>
auto encode(const T& v);

/// Elements of arrays: the oid of the array's type, and how one is written in binary.
template <class T>
struct element;

}  // namespace detail

template <>
struct parameter<std::nullptr_t> {
  static creche_value of(std::nullptr_t) { return creche_null(); }
};
template <>
struct parameter<std::nullopt_t> {
  static creche_value of(std::nullopt_t) { return creche_null(); }
};
template <>
struct parameter<bool> {
  static creche_value of(bool v) { return creche_bool(v); }
};
/// The smallest of int2, int4 and int8 that has all of it; a std::uint64_t is an int8, and one that
/// does not fit a text of its digits.
template <std::integral T>
struct parameter<T> {
  static auto of(T v) {
    if constexpr (sizeof(T) < 2 || (sizeof(T) == 2 && std::signed_integral<T>))
      return creche_int2(static_cast<int16_t>(v));
    else if constexpr (sizeof(T) < 4 || (sizeof(T) == 4 && std::signed_integral<T>))
      return creche_int4(static_cast<int32_t>(v));
    else if constexpr (sizeof(T) < 8 || std::signed_integral<T>)
      return creche_int8(static_cast<int64_t>(v));
    else
      return v <= static_cast<T>(std::numeric_limits<int64_t>::max())
                 ? detail::kept_value{CRECHE_PG_INT8, CRECHE_VALUE_TEXT, std::to_string(v)}
                 : detail::kept_value{CRECHE_PG_NUMERIC, CRECHE_VALUE_TEXT, std::to_string(v)};
  }
};
template <std::floating_point T>
struct parameter<T> {
  static creche_value of(T v) { return creche_float8(static_cast<double>(v)); }
};
/// Text, of which the server infers the type. A NULL pointer is SQL NULL.
template <detail::text_like T>
struct parameter<T> {
  static creche_value of(const T& v) {
    if constexpr (std::is_pointer_v<T>)
      return creche_text(v);
    else {
      const std::string_view text = v;
      return text.data() != nullptr ? creche_text_n(text.data(), text.size()) : creche_text("");
    }
  }
};
/// bytea.
template <detail::bytes_like T>
struct parameter<T> {
  static creche_value of(const T& v) {
    const std::span<const std::byte> bytes = v;
    return creche_bytes(bytes.data(), bytes.size());
  }
};
/// timestamptz, in microseconds.
template <class D>
struct parameter<std::chrono::time_point<std::chrono::system_clock, D>> {
  static creche_value of(std::chrono::time_point<std::chrono::system_clock, D> v) {
    return creche_timestamptz(
        std::chrono::floor<std::chrono::microseconds>(v.time_since_epoch()).count());
  }
};
/// The value, or SQL NULL.
template <class T>
struct parameter<std::optional<T>> {
  static auto of(const std::optional<T>& v) {
    using encoded = decltype(detail::encode(*v));
    if constexpr (std::is_same_v<encoded, creche_value>)
      return v ? detail::encode(*v) : creche_null();
    else
      return v ? detail::encode(*v)
               : detail::kept_value{CRECHE_PG_UNKNOWN, CRECHE_VALUE_NULL, std::string()};
  }
};

namespace detail {

template <class T>
auto encode(const T& v) {
  return encode(parameter<T>::of(v));
}
/// A string literal.
template <size_t N>
creche_value encode(const char (&text)[N]) {
  return creche_text(text);
}

/// Parameters, encoded, until the call that copies them.
template <class... A>
class parameters {
 public:
  explicit parameters(const A&... a) : values_(encode(a)...) {}
  /// call(const creche_value*, size_t).
  template <class Call>
  creche_status with(Call&& call) const {
    return std::apply(
        [&](const auto&... v) {
          const std::array<creche_value, sizeof...(A)> values{in_c(v)...};
          return call(values.data(), values.size());
        },
        values_);
  }

 private:
  std::tuple<decltype(encode(std::declval<const A&>()))...> values_;
};

}  // namespace detail

}  // namespace creche
#endif
