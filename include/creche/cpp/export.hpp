// creche/cpp/export.hpp: rows as JSON, as CSV, and through the Arrow C Data Interface.
#ifndef CRECHE_CPP_EXPORT_HPP
#define CRECHE_CPP_EXPORT_HPP

#include <string>

#include "rows.hpp"

namespace creche {

namespace detail {
inline int32_t append(const char* text, size_t size, void* user) noexcept {
  try {
    static_cast<std::string*>(user)->append(text, size);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;  // it stops there, and says so: CRECHE_E_CANCELLED
  }
}
inline std::string whole(creche_status status, std::string text) {
  if (status == CRECHE_E_CANCELLED) throw std::bad_alloc();
  check(status);
  return text;
}
}  // namespace detail

/// The rows as JSON. flags: CRECHE_JSON_*.
inline std::string to_json(const rows& all, uint32_t flags = 0) {
  std::string text;
  const creche_status status = creche_rows_to_json(all.block(), flags, detail::append, &text);
  return detail::whole(status, std::move(text));
}
/// The rows as CSV. flags: CRECHE_CSV_*.
inline std::string to_csv(const rows& all, uint32_t flags = 0, char delimiter = ',') {
  std::string text;
  const creche_status status =
      creche_rows_to_csv(all.block(), flags, delimiter, detail::append, &text);
  return detail::whole(status, std::move(text));
}

/// A record batch of the Arrow C Data Interface. Moves only. Who takes it (a reader that calls
/// release itself) moves the structs out: `ArrowArray array = batch.take_array()`.
class arrow_batch {
 public:
  /// A copy of the rows. flags: CRECHE_ARROW_*.
  explicit arrow_batch(const rows& all, uint32_t flags = 0) {
    detail::check(creche_rows_to_arrow(all.block(), flags, &schema_, &array_));
  }
  arrow_batch(arrow_batch&& o) noexcept
      : schema_(std::exchange(o.schema_, {})), array_(std::exchange(o.array_, {})) {}
  arrow_batch& operator=(arrow_batch&& o) noexcept {
    std::swap(schema_, o.schema_);
    std::swap(array_, o.array_);
    return *this;
  }
  ~arrow_batch() {
    if (schema_.release != nullptr) schema_.release(&schema_);
    if (array_.release != nullptr) array_.release(&array_);
  }
  const ArrowSchema& schema() const noexcept { return schema_; }
  const ArrowArray& array() const noexcept { return array_; }
  /// The caller releases it.
  ArrowSchema take_schema() noexcept { return std::exchange(schema_, {}); }
  ArrowArray take_array() noexcept { return std::exchange(array_, {}); }

 private:
  ArrowSchema schema_{};
  ArrowArray array_{};
};

}  // namespace creche
#endif
