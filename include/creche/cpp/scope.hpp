// creche/cpp/scope.hpp: deadlines, shields and other scopes around a part of a coroutine.
#ifndef CRECHE_CPP_SCOPE_HPP
#define CRECHE_CPP_SCOPE_HPP

#include "group.hpp"
#include "part.hpp"
#include "section.hpp"

namespace creche {

namespace detail {

/// A part that may be told its scope.
template <class F>
auto make_part(F& f, scope_handle scope) {
  if constexpr (std::is_invocable_v<F&, scope_handle>)
    return f(scope);
  else
    return f();
}
template <class F>
using part_value = typename decltype(make_part(std::declval<F&>(), scope_handle()))::value_type;

/// What a part gave, if its scope was not cancelled; and how that was left.
template <class T>
struct part_end {
  std::conditional_t<std::is_void_v<T>, std::optional<std::nullptr_t>, std::optional<T>> value;
  outcome left;
};

/// Runs a part in a scope of its own. What it throws comes out, but for a cancellation that its
/// scope catches.
template <class F>
task<part_end<part_value<F>>> run_part(scope_options options, F part) {
  part_end<part_value<F>> end;
  std::exception_ptr thrown;
  section here;
  co_await enter_section(here, options);
  try {
    if constexpr (std::is_void_v<part_value<F>>) {
      co_await make_part(part, scope_handle(here.scope));
      end.value.emplace(nullptr);
    } else {
      end.value.emplace(co_await make_part(part, scope_handle(here.scope)));
    }
  } catch (...) {
    thrown = std::current_exception();
  }
  const creche_outcome left = co_await leave_section(here);
  end.left.caught = (left.flags & CRECHE_CAUGHT) != 0;
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const cancelled& c) {
    if (left.status == CRECHE_E_TIMEOUT) throw error(CRECHE_E_TIMEOUT, c.why().get());
    if (!end.left.caught) throw;
  }
  if (left.status == CRECHE_E_TIMEOUT) throw error(CRECHE_E_TIMEOUT);
  co_return end;
}

/// The value of a part that has one unless it threw.
template <class F>
task<part_value<F>> run_whole(scope_options options, F part) {
  auto end = co_await run_part(options, std::move(part));
  if (!end.value) throw error::plain(CRECHE_E_CANCELLED, "just this part was cancelled");
  if constexpr (!std::is_void_v<part_value<F>>) co_return *std::move(end.value);
}
template <class F>
task<bool> run_or_not(scope_options options, F part) {
  const auto end = co_await run_part(options, std::move(part));
  co_return end.value.has_value();
}
template <class F>
task<std::optional<part_value<F>>> run_optional(scope_options options, F part) {
  auto end = co_await run_part(options, std::move(part));
  co_return std::move(end.value);
}
template <class F>
auto run_part_of_time(const scope_options& options, F part) {
  if constexpr (std::is_void_v<part_value<F>>)
    return run_or_not(options, std::move(part));
  else
    return run_optional(options, std::move(part));
}
template <class F>
task<outcome> run_outcome(scope_options options, F part) {
  const auto end = co_await run_part(options, std::move(part));
  co_return end.left;
}

template <class P, class C>
task<part_value<P>> run_finally(P part, C cleanup, duration most) {
  std::exception_ptr thrown;
  std::conditional_t<std::is_void_v<part_value<P>>, std::nullptr_t, std::optional<part_value<P>>>
      value{};
  try {
    if constexpr (std::is_void_v<part_value<P>>)
      co_await make_part(part, scope_handle());
    else
      value.emplace(co_await make_part(part, scope_handle()));
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await run_part(
      scope_options{.timeout = most, .on_timeout = on_timeout::move_on, .shield = true},
      std::move(cleanup));
  if (thrown) std::rethrow_exception(thrown);
  if constexpr (!std::is_void_v<part_value<P>>) co_return *std::move(value);
}

}  // namespace detail

// A part is a function that gives a task (which is kept until its end; one with a parameter gets
// the scope_handle), a task, or an operation: deadline(2s, web.fetch(url)).

/// Gives the part so long: then it is cancelled, and CRECHE_E_TIMEOUT is thrown in place of that
/// (trio.fail_after).
template <detail::part P>
auto deadline(duration timeout, P&& part) {
  CRECHE_CPP_CHECK_TEMPORARY(P);
  return detail::run_whole(scope_options{.timeout = timeout},
                           detail::as_part(std::forward<P>(part)));
}
/// The same, and no failure: gives the part's value, or nothing if it was cancelled; for a part
/// without a value, whether it has come to its end (trio.move_on_after).
template <detail::part P>
auto move_on(duration timeout, P&& part) {
  CRECHE_CPP_CHECK_TEMPORARY(P);
  return detail::run_part_of_time(
      scope_options{.timeout = timeout, .on_timeout = on_timeout::move_on},
      detail::as_part(std::forward<P>(part)));
}
/// No cancellation from outside comes into the part: for cleaning up.
template <detail::part P>
auto shield(P&& part) {
  CRECHE_CPP_CHECK_TEMPORARY(P);
  return detail::run_whole(scope_options{.shield = true}, detail::as_part(std::forward<P>(part)));
}
/// The same for so long at the most, and then as move_on.
template <detail::part P>
auto shield(duration timeout, P&& part) {
  CRECHE_CPP_CHECK_TEMPORARY(P);
  return detail::run_part_of_time(
      scope_options{.timeout = timeout, .on_timeout = on_timeout::move_on, .shield = true},
      detail::as_part(std::forward<P>(part)));
}
/// Runs the part and then, however that has ended, the clean-up, under a shield and for `most` at
/// the most: what finally is in other languages (in C++ no handler may await). What the part throws
/// goes on then.
template <detail::part P, detail::part C>
auto try_finally(P&& part, C&& cleanup, duration most = never) {
  CRECHE_CPP_CHECK_TEMPORARY(P);
  CRECHE_CPP_CHECK_TEMPORARY(C);
  return detail::run_finally(detail::as_part(std::forward<P>(part)),
                             detail::as_part(std::forward<C>(cleanup)), most);
}
/// Any scope around a part; the outcome says whether it has caught a cancellation.
template <detail::part P>
auto scope(const scope_options& options, P&& part) {
  CRECHE_CPP_CHECK_TEMPORARY(P);
  return detail::run_outcome(options, detail::as_part(std::forward<P>(part)));
}

}  // namespace creche
#endif
