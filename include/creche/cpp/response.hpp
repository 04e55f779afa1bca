// creche/cpp/response.hpp: answers, whole and as they come.
#ifndef CRECHE_CPP_RESPONSE_HPP
#define CRECHE_CPP_RESPONSE_HPP

#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "handle.hpp"
#include "operation.hpp"

namespace creche {

/// The answer to a request. That of `fetch` is whole: body() is there. That of `send` is read:
/// next() and read(); until it was read to the end it belongs to the task or group that it was sent
/// in.
class response {
 public:
  response() = default;
  explicit response(creche_response raw) : raw_(raw) {}
  /// Of a completion, which gives its handle away.
  explicit response(const creche_completion& c)
      : raw_(creche_response{c.value}),
        status_(static_cast<int>(c.code)),
        body_(static_cast<const char*>(c.data), c.data_size) {}

  /// The HTTP status.
  int status() const { return status_ != 0 ? status_ : creche_response_status(raw_.get()); }
  /// The body of a whole answer, decoded; it lives as long as this.
  std::string_view body() const { return body_; }
  /// The first header field of that name, whatever its case.
  std::optional<std::string_view> header(ctext name) const {
    size_t size = 0;
    const char* const value = creche_response_header(raw_.get(), name.c_str(), &size);
    if (value == nullptr) return std::nullopt;
    return std::string_view(value, size);
  }
  /// The URL that answered, after redirects.
  std::string_view url() const {
    const char* const url = creche_response_url(raw_.get());
    return url != nullptr ? url : "";
  }
  creche_response_info info() const {
    creche_response_info info;
    detail::check(creche_response_get_info(raw_.get(), &info, sizeof info));
    return info;
  }

  /// Reads what there is of the body, into `buffer`: at least 1 byte and as many as fit; 0 at the
  /// end.
  auto read(std::span<char> buffer) {
    return call(
        [raw = raw_.get(), buffer](creche_scope in, creche_done_fn done, void* user) {
          return creche_response_read(raw, in, buffer.size(), nullptr, done, user, nullptr);
        },
        [buffer](const creche_completion& c) -> size_t {
          if (c.kind == CRECHE_END) return 0;
          std::memcpy(buffer.data(), c.data, c.data_size);
          return c.data_size;
        });
  }
  /// The next piece of the body: `while (auto piece = co_await page.next())`. It lives in this,
  /// until the next one is asked for. Not asking holds the server back.
  auto next(size_t most = 65536) {
    return call(
        [raw = raw_.get(), most](creche_scope in, creche_done_fn done, void* user) {
          return creche_response_read(raw, in, most, nullptr, done, user, nullptr);
        },
        [this](const creche_completion& c) { return keep(c); });
  }
  /// The next line of the body, or another record that ends in `delimiter`, with that.
  auto next_line(std::string_view delimiter = "\n", size_t most = 65536) {
    return call(
        [raw = raw_.get(), delimiter, most](creche_scope in, creche_done_fn done, void* user) {
          return creche_response_read_until(raw, in, delimiter.data(), delimiter.size(), most,
                                            nullptr, done, user, nullptr);
        },
        [this](const creche_completion& c) { return keep(c); });
  }

  creche_response get() const noexcept { return raw_.get(); }
  /// Gives it up: if it was not read to the end, its connection is closed.
  void reset() noexcept { *this = response(); }
  explicit operator bool() const noexcept { return static_cast<bool>(raw_); }

 private:
  std::optional<std::string_view> keep(const creche_completion& c) {
    if (c.kind == CRECHE_END) return std::nullopt;
    piece_.assign(static_cast<const char*>(c.data), c.data_size);
    return piece_;
  }

  detail::handle<creche_response, creche_response_release> raw_;
  int status_ = 0;
  std::string_view body_;
  std::string piece_;
};

namespace detail {
struct take_response {
  response operator()(const creche_completion& c) const { return response(c); }
};
}  // namespace detail

}  // namespace creche
#endif
