// creche/cpp/options.hpp: what can be told to every task.
#ifndef CRECHE_CPP_OPTIONS_HPP
#define CRECHE_CPP_OPTIONS_HPP

#include "error.hpp"

namespace creche {

/// What a deadline of its own means when it cuts work short.
enum class on_timeout : uint32_t {
  fail = CRECHE_FAIL,       ///< a failure: CRECHE_E_TIMEOUT
  move_on = CRECHE_MOVE_ON  ///< none
};

/// Options of a task: creche_task_options.
struct task_options {
  duration timeout = never;  ///< from the call, waiting for a limit included
  bool shield = false;       ///< cancellation from outside does not come in
  ctext name = {};           ///< for dumps and errors
};

namespace detail {
/// The defaults of a sized struct of the C API.
template <class O, creche_status (*Init)(O*, size_t)>
O defaults() {
  O o;
  Init(&o, sizeof o);
  return o;
}
inline creche_task_options in_c(const task_options& o) {
  creche_task_options c = defaults<creche_task_options, creche_task_options_init>();
  c.timeout = o.timeout.count();
  c.shield = o.shield;
  c.name = o.name.c_str();
  return c;
}
/// Of an operation that can be told its time only.
inline creche_task_options in_c(duration timeout) {
  return in_c(task_options{.timeout = timeout});
}
}  // namespace detail

}  // namespace creche
#endif
