// creche/cpp/rows.hpp: rows, and typed looks into them.
#ifndef CRECHE_CPP_ROWS_HPP
#define CRECHE_CPP_ROWS_HPP

#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "handle.hpp"
#include "result.hpp"

namespace creche {

/// How a T is read from a cell. Specialise it for a type of your own: `static creche_status
/// get(const creche_row_block*, uint64_t row, uint32_t column, T* value)`, by the checked functions
/// of creche/rows.h.
template <class T>
struct cell;

template <>
struct cell<bool> {
  static creche_status get(const creche_row_block* b, uint64_t row, uint32_t column, bool* value) {
    int32_t v = 0;
    const creche_status status = creche_row_get_bool(b, row, column, &v);
    *value = v != 0;
    return status;
  }
};
/// Any integer, if the value fits.
template <std::integral T>
struct cell<T> {
  static creche_status get(const creche_row_block* b, uint64_t row, uint32_t column, T* value) {
    int64_t v = 0;
    const creche_status status = creche_row_get_int8(b, row, column, &v);
    if (status == CRECHE_OK && !std::in_range<T>(v)) return CRECHE_E_LIMIT;
    *value = static_cast<T>(v);
    return status;
  }
};
template <>
struct cell<int32_t> {
  static constexpr auto get = creche_row_get_int4;
};
template <>
struct cell<int64_t> {
  static constexpr auto get = creche_row_get_int8;
};
template <>
struct cell<double> {
  static constexpr auto get = creche_row_get_float8;
};
template <>
struct cell<float> {
  static creche_status get(const creche_row_block* b, uint64_t row, uint32_t column, float* value) {
    double v = 0;
    const creche_status status = creche_row_get_float8(b, row, column, &v);
    *value = static_cast<float>(v);
    return status;
  }
};
/// A view into the block.
template <>
struct cell<std::string_view> {
  static creche_status get(const creche_row_block* b, uint64_t row, uint32_t column,
                           std::string_view* value) {
    const char* text = nullptr;
    size_t size = 0;
    const creche_status status = creche_row_get_text(b, row, column, &text, &size);
    if (status == CRECHE_OK) *value = {text, size};
    return status;
  }
};
template <>
struct cell<std::string> {
  static creche_status get(const creche_row_block* b, uint64_t row, uint32_t column,
                           std::string* value) {
    std::string_view text;
    const creche_status status = cell<std::string_view>::get(b, row, column, &text);
    value->assign(text);
    return status;
  }
};
/// The binary form, of bytea: its bytes. A view into the block.
template <>
struct cell<std::span<const std::byte>> {
  static creche_status get(const creche_row_block* b, uint64_t row, uint32_t column,
                           std::span<const std::byte>* value) {
    const void* data = nullptr;
    size_t size = 0;
    const creche_status status = creche_row_get_bytes(b, row, column, &data, &size);
    if (status == CRECHE_OK) *value = {static_cast<const std::byte*>(data), size};
    return status;
  }
};
template <>
struct cell<std::vector<std::byte>> {
  static creche_status get(const creche_row_block* b, uint64_t row, uint32_t column,
                           std::vector<std::byte>* value) {
    std::span<const std::byte> bytes;
    const creche_status status = cell<std::span<const std::byte>>::get(b, row, column, &bytes);
    value->assign(bytes.begin(), bytes.end());
    return status;
  }
};
/// timestamptz, timestamp, date.
template <>
struct cell<std::chrono::sys_time<std::chrono::microseconds>> {
  using point = std::chrono::sys_time<std::chrono::microseconds>;
  static creche_status get(const creche_row_block* b, uint64_t row, uint32_t column, point* value) {
    int64_t us = 0;
    const creche_status status = creche_row_get_timestamptz(b, row, column, &us);
    *value = point(std::chrono::microseconds(us));
    return status;
  }
};
/// The value, or nothing for SQL NULL.
template <class T>
struct cell<std::optional<T>> {
  static creche_status get(const creche_row_block* b, uint64_t row, uint32_t column,
                           std::optional<T>* value) {
    T v{};
    const creche_status status = cell<T>::get(b, row, column, &v);
    if (status == CRECHE_OK) *value = std::move(v);
    return status == CRECHE_E_NULL ? CRECHE_OK : status;
  }
};

/// One row: a view into its block, as are the views that it gives.
class row {
 public:
  row(const creche_row_block* block, uint64_t number) : block_(block), number_(number) {}

  /// The value in a column, by its number or name. Throws: CRECHE_E_NULL (ask for a std::optional),
  /// CRECHE_E_TYPE, CRECHE_E_LIMIT (it does not fit), CRECHE_E_INVALID (there is no such column).
  template <class T>
  T get(std::integral auto column) const {
    T value{};
    detail::check(cell<T>::get(block_, number_, static_cast<uint32_t>(column), &value));
    return value;
  }
  template <class T>
  T get(ctext column) const {
    return get<T>(index(column));
  }
  /// The same as a result.
  template <class T>
  result<T> try_get(std::integral auto column) const {
    T value{};
    const creche_status status =
        cell<T>::get(block_, number_, static_cast<uint32_t>(column), &value);
    if (status != CRECHE_OK) return error::last(status);
    return value;
  }
  template <class T>
  result<T> try_get(ctext column) const {
    return try_get<T>(index(column));
  }
  /// All of it: `auto [url, status] = row.as<std::string, int>();`
  template <class... T>
  std::tuple<T...> as() const {
    return as<T...>(std::index_sequence_for<T...>());
  }
  bool is_null(std::integral auto column) const {
    return creche_row_is_null(block_, number_, static_cast<uint32_t>(column)) != 0;
  }
  /// A cell of any type as text, as the server prints it.
  std::string text(std::integral auto column) const {
    const uint32_t at = static_cast<uint32_t>(column);
    std::string text(creche_row_format(block_, number_, at, nullptr, 0), '\0');
    creche_row_format(block_, number_, at, text.data(), text.size() + 1);
    return text;
  }
  const creche_row_block* block() const { return block_; }
  uint64_t number() const { return number_; }

 private:
  uint32_t index(ctext column) const {
    return static_cast<uint32_t>(creche_row_column_index(block_, column.c_str()));
  }
  template <class... T, size_t... I>
  std::tuple<T...> as(std::index_sequence<I...>) const {
    return {get<T>(I)...};
  }

  const creche_row_block* block_;
  uint64_t number_;
};

/// The rows of a whole result. Moves only; what is read from it as a view lives as long.
class rows {
 public:
  rows() = default;
  explicit rows(creche_rows raw) : raw_(raw), block_(creche_rows_block(raw)) {}

  /// Rows that somebody else owns.
  static rows view(const creche_row_block* block) {
    rows seen;
    seen.block_ = block;
    return seen;
  }

  uint64_t size() const { return block_ != nullptr ? block_->row_count : 0; }
  bool empty() const { return size() == 0; }
  row operator[](uint64_t number) const { return {block_, number}; }
  /// How many rows the statement has changed or returned; -1: it does not say.
  int64_t affected() const { return block_ != nullptr ? block_->affected : -1; }
  /// The only row. Throws CRECHE_E_LIMIT if there is none, or another one.
  row one() const {
    if (size() != 1)
      throw error::plain(CRECHE_E_LIMIT,
                         "the result has no row, or several, where one was expected");
    return (*this)[0];
  }

  class iterator {
   public:
    using value_type = row;
    using difference_type = int64_t;
    iterator() = default;
    iterator(const creche_row_block* block, uint64_t at) : block_(block), at_(at) {}
    row operator*() const { return {block_, at_}; }
    iterator& operator++() {
      at_++;
      return *this;
    }
    iterator operator++(int) { return {block_, at_++}; }
    bool operator==(const iterator&) const = default;

   private:
    const creche_row_block* block_ = nullptr;
    uint64_t at_ = 0;
  };
  iterator begin() const { return {block_, 0}; }
  iterator end() const { return {block_, size()}; }

  const creche_row_block* block() const { return block_; }
  creche_rows get() const noexcept { return raw_.get(); }

 private:
  detail::handle<creche_rows, creche_rows_release> raw_;
  const creche_row_block* block_ = nullptr;
};

namespace detail {
struct take_rows {
  rows operator()(const creche_completion& c) const { return rows(creche_rows{c.value}); }
};
struct take_affected {
  int64_t operator()(const creche_completion& c) const {
    return rows(creche_rows{c.value}).affected();
  }
};
template <class T>
struct take_value {
  T operator()(const creche_completion& c) const {
    const rows all(creche_rows{c.value});
    static_assert(!std::is_same_v<T, std::string_view>, "its block is gone: take a std::string");
    return all.one().get<T>(0);
  }
};
}  // namespace detail

}  // namespace creche
#endif
