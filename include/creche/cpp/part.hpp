// creche/cpp/part.hpp: what can be run as a part of a coroutine: a function, a task, an operation.
#ifndef CRECHE_CPP_PART_HPP
#define CRECHE_CPP_PART_HPP

#include "operation.hpp"
#include "section.hpp"
#include "temporaries.hpp"

namespace creche {

namespace detail {

/// Awaited once, as a task or an operation is.
template <class A>
concept awaitable = requires(A a) {
  typename A::value_type;
  std::move(a).operator co_await();
};
template <class F>
concept part =
    awaitable<std::decay_t<F>> || makes_task<kept<F>> || makes_task<kept<F>, scope_handle>;

/// Made a function, which is called once.
template <awaitable A>
struct from_awaitable {
  A it;
  task<typename A::value_type> operator()() {
    if constexpr (is_task<A>)
      return std::move(it);
    else
      return wait(std::move(it));
  }
  static task<typename A::value_type> wait(A it) { co_return co_await std::move(it); }
};

template <class P>
auto as_part(P&& part) {
  if constexpr (awaitable<std::decay_t<P>>)
    return from_awaitable<std::decay_t<P>>{std::forward<P>(part)};
  else
    return std::decay_t<P>(std::forward<P>(part));
}

template <awaitable A>
task<result<typename A::value_type>> attempt(A it) {
  try {
    if constexpr (std::is_void_v<typename A::value_type>)
      co_return co_await std::move(it), result<void>();
    else
      co_return co_await std::move(it);
  } catch (const cancelled& c) {
    co_return c.why();
  } catch (const error& e) {
    co_return e;
  }
}

}  // namespace detail

/// What a task or operation gives, or the error that it throws, a cancellation, too. Other
/// exceptions go on.
template <detail::awaitable A>
auto as_result(A it) {
  return detail::attempt(std::move(it));
}

}  // namespace creche
#endif
