// creche/cpp/writer.hpp: bytes that are written to an operation which asks for them.
#ifndef CRECHE_CPP_WRITER_HPP
#define CRECHE_CPP_WRITER_HPP

#include <string>
#include <string_view>

#include "stream.hpp"

namespace creche {

/// Where the body of a COPY or of a request is written: `co_await out.write("...")`. Small pieces
/// are collected; a write waits until the server has taken what was written before.
class writer {
 public:
  template <class Start>
  explicit writer(Start&& start) : state_(new detail::stream_state(std::forward<Start>(start))) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  ~writer() { state_->abandon(); }

  class [[nodiscard]] writing : public detail::stream_waiting {
   public:
    writing(writer& out, bool now) : stream_waiting(*out.state_), out_(out), now_(now) {}
    bool await_ready() const noexcept { return !now_ || stream_waiting::await_ready(); }
    void await_resume() {
      creche_completion asked;
      if (!now_) return;
      if (next(&asked) <= 0) {  // the operation has ended, or the wait was cut
        const error why = failure();
        if (!why) out_.answered_early_ = true;
        detail::raise(why ? why : error(CRECHE_E_CLOSED));
      }
      out_.answer(asked.task, CRECHE_MORE);
    }

   private:
    writer& out_;
    bool now_;
  };
  /// Throws what the operation has failed with, as soon as that is known.
  writing write(std::string_view bytes) {
    bytes_.append(bytes);
    return {*this, bytes_.size() >= kPiece};
  }
  /// Now, however little it is.
  writing flush() { return {*this, !bytes_.empty()}; }

  /// Waits for the end, of which the last answer is a part: false if it has come by itself, before.
  class [[nodiscard]] ending : public detail::stream_waiting {
   public:
    explicit ending(writer& out) : stream_waiting(*out.state_), out_(out) {}
    bool await_resume() {
      creche_completion asked;
      if (next(&asked) <= 0) return false;
      if (!out_.failed_)
        out_.answer(asked.task, 0);
      else if (creche_task_answer(asked.task, CRECHE_E_USER, nullptr, 0, 0, nullptr) != CRECHE_OK)
        out_.fail();
      return true;
    }

   private:
    writer& out_;
  };
  ending end() { return ending(*this); }
  /// What was written is not all there should be: the operation must not succeed.
  void fail() noexcept {
    failed_ = true;
    creche_scope_cancel(state_->task().scope, "its writer has failed");
  }
  /// The operation has succeeded before all was written.
  bool answered_early() const { return answered_early_; }
  const detail::stream_state& state() const { return *state_; }
  creche_completion take_last() { return state_->take_last(); }

 private:
  static constexpr size_t kPiece = 65536;
  void answer(creche_task task, uint32_t flags) {
    // What it refuses now has ended meanwhile, and the last completion says how; or there is no
    // memory, and it would wait for ever.
    if (creche_task_answer(task, CRECHE_OK, bytes_.data(), bytes_.size(), flags, nullptr) !=
        CRECHE_OK)
      fail();
    bytes_.clear();
  }

  detail::stream_state* state_;
  std::string bytes_;
  bool failed_ = false;
  bool answered_early_ = false;
};

namespace detail {

/// Runs what writes, and then waits for the end of the operation, however it comes to it. Throws
/// what the writer has thrown; else the failure of the operation.
template <class F>
task<> write_all(writer& out, F& body) {
  std::exception_ptr thrown;
  try {
    co_await body(out);
  } catch (...) {
    thrown = std::current_exception();
    if (!out.state().ended()) out.fail();
  }
  while (co_await out.end()) continue;
  if (thrown && !out.answered_early()) std::rethrow_exception(thrown);
  if (!out.state().ended()) throw error::plain(CRECHE_E_STATE, "somebody else writes there");
  const error failure = out.state().failure();
  if (failure) raise(failure);
}

}  // namespace detail

}  // namespace creche
#endif
