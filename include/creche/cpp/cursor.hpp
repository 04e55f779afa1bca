// creche/cpp/cursor.hpp: cursors: a result that the server keeps, and gives in pieces.
#ifndef CRECHE_CPP_CURSOR_HPP
#define CRECHE_CPP_CURSOR_HPP

#include "operation.hpp"
#include "options.hpp"
#include "rows.hpp"

namespace creche {

namespace detail {
/// call(const creche_cursor_options*).
template <class Call>
creche_status with_cursor_options(uint32_t flags, duration timeout, Call&& call) {
  auto o = defaults<creche_cursor_options, creche_cursor_options_init>();
  const creche_task_options task = in_c(timeout);
  o.flags = flags;
  o.task = &task;
  return call(static_cast<const creche_cursor_options*>(&o));
}
}  // namespace detail

/// A cursor by its name: `auto names = co_await tx.open_cursor("names", "select ..."); while
/// (true) { auto some = co_await names.fetch(100); ... }`. It is the server's, and gone with its
/// transaction; this does not close it.
class cursor {
  template <auto Step, class Take>
  auto step(int64_t count, duration timeout, Take take) {
    return call(
        [this, count, timeout](creche_scope in, creche_done_fn done, void* user) {
          return detail::with_cursor_options(0, timeout, [&](const creche_cursor_options* o) {
            return Step(on_, in, name_.c_str(), count, o, done, user, nullptr);
          });
        },
        take);
  }

 public:
  cursor(creche_connection on, std::string name) : on_(on), name_(std::move(name)) {}

  /// The next so many rows (fewer: it has come to the end), or back so many if it scrolls.
  auto fetch(int64_t count, duration timeout = never) {
    return step<creche_cursor_fetch>(count, timeout, detail::take_rows());
  }
  /// Passes over them without taking them; gives how many there were.
  auto move(int64_t count, duration timeout = never) {
    return step<creche_cursor_move>(count, timeout,
                                    [](const creche_completion& c) -> uint64_t { return c.code; });
  }
  auto close() {
    return call(
        [this](creche_scope in, creche_done_fn done, void* user) {
          return creche_cursor_close(on_, in, name_.c_str(), nullptr, done, user, nullptr);
        },
        [](const creche_completion& c) { detail::take_rows()(c); });
  }
  const std::string& name() const { return name_; }

 private:
  creche_connection on_;
  std::string name_;
};

namespace detail {
struct take_cursor {
  creche_connection on;
  const char* name;
  cursor operator()(const creche_completion& c) const {
    take_rows()(c);  // which has none
    return {on, name};
  }
};
}  // namespace detail

}  // namespace creche
#endif
