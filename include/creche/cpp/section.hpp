// creche/cpp/section.hpp: entering and leaving a scope of the library, from inside of a coroutine.
#ifndef CRECHE_CPP_SECTION_HPP
#define CRECHE_CPP_SECTION_HPP

#include "operation.hpp"
#include "options.hpp"

namespace creche {

/// Options of a scope: creche_scope_options.
struct scope_options {
  duration timeout = never;
  creche::on_timeout on_timeout = creche::on_timeout::fail;
  bool shield = false;
  ctext name = {};
};

/// Names the scope that a part of a coroutine runs in. From any thread; harmless when it is over.
class scope_handle {
 public:
  scope_handle() = default;
  explicit scope_handle(creche_scope raw) : raw_(raw) {}
  void cancel(ctext reason = {}) const noexcept { creche_scope_cancel(raw_, reason.c_str()); }
  /// From now on. Does not un-cancel.
  void set_timeout(duration timeout) const noexcept {
    creche_scope_set_timeout(raw_, timeout.count());
  }
  void set_shield(bool shield) const noexcept { creche_scope_set_shield(raw_, shield); }
  creche_scope get() const noexcept { return raw_; }

 private:
  creche_scope raw_{};
};

namespace detail {

/// Opens a scope where the coroutine is, and is in it from now on. Does not suspend.
class enter_section {
 public:
  enter_section(section& s, const scope_options& options) : section_(s), options_(options) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    strand& on = *self.promise().on;
    auto o = defaults<creche_scope_options, creche_scope_options_init>();
    o.timeout = options_.timeout.count();
    o.on_timeout = static_cast<uint32_t>(options_.on_timeout);
    o.shield = options_.shield;
    o.name = options_.name.c_str();
    status_ = creche_scope_open(on.scope(), &o, &section_.scope);
    if (status_ == CRECHE_OK) on.enter(section_);
    return false;
  }
  void await_resume() const { check(status_); }

 private:
  section& section_;
  const scope_options& options_;
  creche_status status_ = CRECHE_OK;
};

/// Leaves it again: streams that were opened in it are ended, and awaited, before.
class leave_section {
 public:
  explicit leave_section(section& s) : section_(s) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    on_ = self.promise().on;
    section_.end_all();
    if (section_.empty()) return false;
    section_.waiting = on_;
    section_.waiter = self;
    return true;
  }
  creche_outcome await_resume() {
    on_->leave(section_);
    creche_outcome outcome{};
    if (creche_scope_leave(section_.scope, &outcome) != CRECHE_OK) {
      // Something lives in it that the program has started by functions in C: it goes when that has
      // ended.
      creche_scope_state state{};
      creche_scope_get_state(section_.scope, &state, sizeof state);
      if (state.caught) outcome.flags = CRECHE_CAUGHT;
      creche_scope_leave(section_.scope, nullptr);
    }
    return outcome;
  }

 private:
  section& section_;
  strand* on_ = nullptr;
};

}  // namespace detail

}  // namespace creche
#endif
