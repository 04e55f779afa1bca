// creche/cpp/stream.hpp: calls with many completions, taken one by one.
#ifndef CRECHE_CPP_STREAM_HPP
#define CRECHE_CPP_STREAM_HPP

#include <vector>

#include "operation.hpp"

namespace creche::detail {

/// The operation of a stream, and what has come and was not taken yet. It is held by the stream and
/// by the operation, and deleted by whoever is done last. All on the loop.
class stream_state final : public resident {
 public:
  /// Who waits for the next one.
  class waiter {
   public:
    virtual void wake() noexcept = 0;

   protected:
    ~waiter() = default;
  };

  /// start: status(creche_scope in, done, user, creche_task*). What fails here is told by the first
  /// next.
  template <class Start>
  explicit stream_state(Start&& start) {
    strand* const on = running;
    if (on == nullptr) {
      end_with(error::plain(CRECHE_E_STATE, "a stream is opened inside of a coroutine only"));
      return;
    }
    home_ = &on->inner();
    home_->add(*this);
    users_ = 2;
    const creche_status status = start(on->scope(), &stream_state::take, this, &task_);
    if (status == CRECHE_OK) return;
    users_ = 1;
    end_with(error::last(status));
    leave_home();
  }
  stream_state(const stream_state&) = delete;
  stream_state& operator=(const stream_state&) = delete;

  /// Its user gives it up.
  void abandon() noexcept {
    abandoned_ = true;
    release_all();
    if (!ended_) creche_scope_cancel(task_.scope, "its stream was given up");
    drop();
  }
  /// The section that it was opened in is left.
  void end() noexcept override {
    if (!ended_) creche_scope_cancel(task_.scope, "the scope of its stream was left");
    orphaned_ = true;
  }

  bool ready() const { return taken_ < items_.size() || ended_; }
  /// 1: *item is the next one, and the caller's; 0: the end; -1: the failure.
  int next(creche_completion* item) {
    if (taken_ < items_.size() && !(ended_ && failure_.is_cancelled())) {
      *item = items_[taken_++];
      if (taken_ == items_.size()) items_.clear(), taken_ = 0;
      return 1;
    }
    return failure_ ? -1 : 0;
  }
  error failure() const {
    return orphaned_ && failure_.is_cancelled() ? error(CRECHE_E_CLOSED, failure_.get()) : failure_;
  }
  /// The last completion, once it has come: what it owns stays here.
  const creche_completion& last() const { return last_; }
  /// The same, once, for who takes what it owns.
  creche_completion take_last() {
    creche_completion last = last_;
    last_.flags = 0;
    return last;
  }
  creche_task task() const { return task_; }
  bool ended() const { return ended_; }

  waiter* waiting = nullptr;
  /// The scope that it lives in: whoever waits in another one hears nothing of that one's end here.
  creche_scope home() const { return home_ != nullptr ? home_->scope : creche_scope{}; }

 private:
  ~stream_state() = default;
  static void take(void* user, const creche_completion* c) noexcept {
    static_cast<stream_state*>(user)->on_completion(*c);
  }
  void on_completion(const creche_completion& c) noexcept {
    const bool last = (c.flags & CRECHE_MORE) == 0;
    if (last) {
      end_with(c.status == CRECHE_OK ? error() : error(c.status, c.error));
      last_ = c;
    } else if (abandoned_ || !keep(c)) {
      if (c.flags & CRECHE_OWNED) creche_value_release(c.value);
    }
    users_++;  // until this function ends
    if (waiting != nullptr) std::exchange(waiting, nullptr)->wake();
    if (last) {
      leave_home();
      drop();
    }
    drop();
  }
  bool keep(const creche_completion& c) noexcept {
    try {
      items_.push_back(c);
      return true;
    } catch (...) {
      failure_ = error(CRECHE_E_NO_MEMORY);
      creche_scope_cancel(task_.scope, "no memory");
      return false;
    }
  }
  void end_with(error failure) noexcept {
    ended_ = true;
    if (!failure_) failure_ = std::move(failure);
  }
  void leave_home() noexcept {
    if (home_ != nullptr) std::exchange(home_, nullptr)->remove(*this);
  }
  void release_all() noexcept {
    for (; taken_ < items_.size(); taken_++)
      if (items_[taken_].flags & CRECHE_OWNED) creche_value_release(items_[taken_].value);
  }
  void drop() noexcept {
    if (--users_ > 0) return;
    release_all();
    if (last_.flags & CRECHE_OWNED) creche_value_release(last_.value);
    delete this;
  }

  section* home_ = nullptr;
  creche_task task_{};
  int users_ = 1;
  bool ended_ = false, abandoned_ = false, orphaned_ = false;
  std::vector<creche_completion> items_;
  size_t taken_ = 0;
  error failure_;
  creche_completion last_{};
};

/// Waits for a stream to have something, or to end. A stream lives in the scope that it was opened
/// in, and ends with that. Who waits in another scope has a sleep there that tells of a
/// cancellation.
class stream_waiting : private stream_state::waiter {
 public:
  explicit stream_waiting(stream_state& state) : state_(state) {}
  stream_waiting(const stream_waiting&) = delete;
  stream_waiting& operator=(const stream_waiting&) = delete;

  bool await_ready() const noexcept { return state_.ready(); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    on_ = self.promise().on;
    self_ = self;
    if (state_.waiting != nullptr)
      return refuse(error::plain(CRECHE_E_STATE, "somebody else waits for this stream"));
    if (on_->scope().id != state_.home().id) {
      const creche_status status = creche_sleep_until(on_->scope(), CRECHE_NEVER, nullptr,
                                                      &stream_waiting::cut, this, &guard_);
      if (status != CRECHE_OK) return refuse(error::last(status));
    }
    state_.waiting = this;
    return true;
  }

 protected:
  /// As stream_state::next; throws nothing.
  int next(creche_completion* item) {
    if (refused_ && !state_.ready()) return -1;
    return state_.next(item);
  }
  error failure() { return refused_ && !state_.ready() ? std::move(refused_) : state_.failure(); }
  ~stream_waiting() = default;

 private:
  bool refuse(error why) {
    refused_ = std::move(why);
    return false;
  }
  void wake() noexcept override {
    if (guard_.scope.id == 0) return on_->run(self_);
    creche_scope_cancel(guard_.scope, nullptr);  // cut() goes on
  }
  static void cut(void* user, const creche_completion* c) noexcept {
    stream_waiting* const self = static_cast<stream_waiting*>(user);
    if (self->state_.waiting == self) {  // nothing had come: the scope is cancelled
      self->state_.waiting = nullptr;
      self->refused_ = error(c->status, c->error);
    }
    self->on_->run(self->self_);
  }

  stream_state& state_;
  strand* on_ = nullptr;
  std::coroutine_handle<> self_;
  creche_task guard_{};
  error refused_;
};

}  // namespace creche::detail
#endif
