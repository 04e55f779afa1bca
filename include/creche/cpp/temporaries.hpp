// creche/cpp/temporaries.hpp: a guard against a fault of GCC 12.
#ifndef CRECHE_CPP_TEMPORARIES_HPP
#define CRECHE_CPP_TEMPORARIES_HPP

#include <type_traits>
#include <utility>

namespace creche::detail {

/// GCC before 13 destroys a temporary twice that has no constructor of its own (a lambda with
/// captures by value, an aggregate) and is made inside of a co_await expression (its bug 99576).
/// Lambdas that capture by reference, or what is destroyed by doing nothing, are safe; so is a
/// lambda that has a name. What is meant to be awaited takes its functions as F&& and is checked by
/// this; for an lvalue, F is a reference.
template <class F>
inline constexpr bool safe_temporary =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    std::is_lvalue_reference_v<F> || std::is_trivially_destructible_v<F> || requires(F task) {
  std::move(task).operator co_await();
};
#else
    true;
#endif

}  // namespace creche::detail

/// In functions whose result is awaited.
#define CRECHE_CPP_CHECK_TEMPORARY(F)                                                          \
  static_assert(creche::detail::safe_temporary<F>,                                             \
                "GCC before 13 destroys this lambda twice, as it captures by value and is "    \
                "written inside of a co_await: give it a name, and pass that (it is copied), " \
                "or std::ref of it")

#endif
