// creche/cpp/headers.hpp: header fields that are sent.
#ifndef CRECHE_CPP_HEADERS_HPP
#define CRECHE_CPP_HEADERS_HPP

#include <concepts>
#include <span>
#include <string_view>

#include "text.hpp"

namespace creche {

/// A header field: `{"accept", "text/plain"}`. Texts are the caller's, until the request is made.
struct header : creche_header {
  header() : creche_header{} {}
  header(ctext field, std::string_view text)
      : creche_header{field.c_str(), text.data(), text.size()} {}
};
static_assert(sizeof(header) == sizeof(creche_header));

/// Up to eight as they are written, `{{"accept", "text/plain"}, {"x-id", id}}`, or a vector of any
/// length, which is the caller's. (No std::initializer_list: GCC 12 refuses one in what is awaited.
/// And nothing to destroy: it would destroy that twice.)
class headers {
 public:
  headers() = default;
  headers(header a, header b = {}, header c = {}, header d = {}, header e = {}, header f = {},
          header g = {}, header h = {})
      : own_{a, b, c, d, e, f, g, h} {
    while (size_ < 8 && own_[size_].name != nullptr) size_++;
  }
  template <std::convertible_to<std::span<const header>> Many>
  headers(const Many& many) {
    const std::span<const header> all = many;
    more_ = all.data();
    size_ = all.size();
  }

  const creche_header* data() const { return more_ != nullptr ? more_ : own_; }
  size_t size() const { return size_; }

 private:
  header own_[8];
  const creche_header* more_ = nullptr;
  size_t size_ = 0;
};

}  // namespace creche
#endif
