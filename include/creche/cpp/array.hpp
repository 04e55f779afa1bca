// creche/cpp/array.hpp: vectors as parameters: arrays of PostgreSQL.
#ifndef CRECHE_CPP_ARRAY_HPP
#define CRECHE_CPP_ARRAY_HPP

#include <charconv>

#include "value.hpp"

namespace creche {

namespace detail {

template <class T>
concept number = std::integral<T> || std::floating_point<T>;

// An element, as it stands in the text of an array.
inline void print_element(std::string& to, bool v) {
  to += v ? 't' : 'f';
}
template <number T>
void print_element(std::string& to, T v) {
  char digits[64];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
}
inline void print_element(std::string& to, std::string_view v) {
  to += '"';
  for (const char c : v) {
    if (c == '"' || c == '\\') to += '\\';
    to += c;
  }
  to += '"';
}
template <class T>
void print_element(std::string& to, const std::optional<T>& v) {
  if (v)
    print_element(to, *v);
  else
    to += "NULL";
}

template <class T>
concept array_element = number<T> || text_like<T>;

}  // namespace detail

/// An array, of which the server infers the type: numbers, bool, texts, or std::optional of these
/// (SQL NULL).
/// `= any($1)` takes one. (In what is awaited GCC 12 knows no lists: give the vector a name.)
template <detail::array_element T>
struct parameter<std::vector<T>> {
  static detail::kept_value of(const std::vector<T>& all) {
    std::string text = "{";
    for (const auto& one : all) {
      if (text.size() > 1) text += ',';
      if constexpr (detail::text_like<T>)
        detail::print_element(text, std::string_view(one));
      else
        detail::print_element(text, static_cast<T>(one));
    }
    return {CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, text + '}'};
  }
};
template <detail::array_element T>
struct parameter<std::vector<std::optional<T>>> {
  static detail::kept_value of(const std::vector<std::optional<T>>& all) {
    std::string text = "{";
    for (const std::optional<T>& one : all) {
      if (text.size() > 1) text += ',';
      detail::print_element(text, one);
    }
    return {CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, text + '}'};
  }
};

}  // namespace creche
#endif
