// creche/cpp/all.hpp: several parts at a time, and what all of them give.
#ifndef CRECHE_CPP_ALL_HPP
#define CRECHE_CPP_ALL_HPP

#include <tuple>
#include <vector>

#include "group.hpp"
#include "part.hpp"

namespace creche {

namespace detail {

/// The value of a part without one.
struct no_value {};
template <class A>
using all_value =
    std::conditional_t<std::is_void_v<typename A::value_type>, no_value, typename A::value_type>;

template <awaitable A>
task<> run_into(A part, std::optional<all_value<A>>& value) {
  if constexpr (std::is_void_v<typename A::value_type>) {
    co_await std::move(part);
    value.emplace();
  } else {
    value.emplace(co_await std::move(part));
  }
}

template <awaitable... A>
task<std::tuple<all_value<A>...>> run_all(A... parts) {
  std::tuple<std::optional<all_value<A>>...> values;
  std::tuple<A&...> given(parts...);
  const group_options options{.bare = true};
  const auto body = [&](nursery& n) -> task<> {
    [&]<size_t... I>(std::index_sequence<I...>) {
      (n.start_soon(run_into<A>(std::move(std::get<I>(given)), std::get<I>(values))), ...);
    }
    (std::index_sequence_for<A...>());
    co_return;
  };
  const outcome left = co_await group(options, body);
  if (left.caught) throw error::plain(CRECHE_E_CANCELLED, "just these parts were cancelled");
  co_return std::apply(
      [](auto&... value) { return std::tuple<all_value<A>...>(*std::move(value)...); }, values);
}

template <awaitable A>
task<std::vector<all_value<A>>> run_all_of(std::vector<A> parts, uint32_t limit) {
  std::vector<std::optional<all_value<A>>> values(parts.size());
  const group_options options{.limit = limit, .bare = true};
  const auto body = [&](nursery& n) -> task<> {
    for (size_t i = 0; i < parts.size(); i++)
      n.start_soon(run_into<A>(std::move(parts[i]), values[i]));
    co_return;
  };
  const outcome left = co_await group(options, body);
  if (left.caught) throw error::plain(CRECHE_E_CANCELLED, "just these parts were cancelled");
  std::vector<all_value<A>> all;
  all.reserve(values.size());
  for (auto& value : values) all.push_back(*std::move(value));
  co_return all;
}

}  // namespace detail

/// Runs tasks and operations at a time, and gives what all of them give: `auto [a, b] = co_await
/// creche::all(web.fetch(x), web.fetch(y));`. The first failure stops the others; a single one is
/// thrown as it is, several as a tree. (GCC 12: their parameters must not be aggregates with
/// something to destroy.)
template <detail::awaitable... A>
task<std::tuple<detail::all_value<A>...>> all(A... parts) {
  return detail::run_all<A...>(std::move(parts)...);
}
/// The same of any number of one kind, `limit` at a time (0: no limit), in their order.
template <detail::awaitable A>
task<std::vector<detail::all_value<A>>> all(std::vector<A> parts, uint32_t limit = 0) {
  return detail::run_all_of<A>(std::move(parts), limit);
}

}  // namespace creche
#endif
