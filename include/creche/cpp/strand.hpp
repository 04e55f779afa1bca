// creche/cpp/strand.hpp: what runs a coroutine and those that it awaits, one after another, on the
// loop.
#ifndef CRECHE_CPP_STRAND_HPP
#define CRECHE_CPP_STRAND_HPP

#include <coroutine>
#include <utility>

#include "../creche.h"

namespace creche::detail {

class strand;

/// The strand whose coroutine runs on this thread now. (One for all parts of a program, so it is
/// visible whatever they hide.)
[[gnu::visibility("default")]] inline constinit thread_local strand* running = nullptr;

/// What lives on in a scope between two awaits (streams of rows, of events). The scope ends it.
class resident {
 public:
  virtual void end() noexcept = 0;

 protected:
  ~resident() = default;

 private:
  friend class section;
  resident* next_ = nullptr;
  resident** at_ = nullptr;
};

/// A scope of the library that a strand is in, and what lives in it beyond an await.
class section {
 public:
  creche_scope scope{};
  section* outer = nullptr;
  /// Who waits until nothing lives in it.
  strand* waiting = nullptr;
  std::coroutine_handle<> waiter;

  bool empty() const { return first_ == nullptr; }
  void add(resident& r) {
    r.next_ = first_;
    r.at_ = &first_;
    if (first_ != nullptr) first_->at_ = &r.next_;
    first_ = &r;
  }
  inline void remove(resident& r) noexcept;
  /// Asks everything in it to end.
  void end_all() noexcept {
    for (resident* r = first_; r != nullptr;) std::exchange(r, r->next_)->end();
  }

 private:
  resident* first_ = nullptr;
};

/// One task of the library whose body is a coroutine. Everything in it happens on the loop's
/// thread, in callbacks of the library, so nothing is locked. Coroutines are resumed in a loop here
/// and never from one another: deep chains need no stack, whether or not the compiler makes a jump
/// of a tail call (GCC does not without optimisation, nor beside sanitizers).
class strand {
 public:
  strand() = default;
  strand(const strand&) = delete;
  strand& operator=(const strand&) = delete;

  creche_loop loop() const { return loop_; }
  /// Where an await starts its operation.
  creche_scope scope() const { return inner_->scope; }
  section& inner() { return *inner_; }
  void enter(section& s) {
    s.outer = inner_;
    inner_ = &s;
  }
  void leave(section& s) { inner_ = s.outer; }

  /// Resumes a coroutine, and whatever it makes ready in its place. Last thing in a callback: it
  /// may be the end of this strand.
  void run(std::coroutine_handle<> coroutine) noexcept {
    strand* const outer = std::exchange(running, this);
    for (next_ = coroutine; next_;) std::exchange(next_, nullptr).resume();
    running = outer;
    if (root_.done()) root_done();
  }
  /// From inside of an await: this one is resumed next.
  void follow(std::coroutine_handle<> next) { next_ = next; }

 protected:
  ~strand() = default;
  virtual void root_done() noexcept = 0;

  creche_loop loop_{};
  creche_task task_{};
  section root_section_;
  section* inner_ = &root_section_;
  std::coroutine_handle<> root_;

 private:
  std::coroutine_handle<> next_;
};

inline void section::remove(resident& r) noexcept {
  *r.at_ = r.next_;
  if (r.next_ != nullptr) r.next_->at_ = r.at_;
  r.at_ = nullptr;
  if (first_ == nullptr && waiting != nullptr) std::exchange(waiting, nullptr)->run(waiter);
}

}  // namespace creche::detail
#endif
