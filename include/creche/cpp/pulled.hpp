// creche/cpp/pulled.hpp: what a stream is for its user: `while (auto item = co_await
// stream.next())`.
#ifndef CRECHE_CPP_PULLED_HPP
#define CRECHE_CPP_PULLED_HPP

#include <optional>

#include "stream.hpp"

namespace creche::detail {

/// The next item of a Stream, which has: bool at_hand() const (an item needs no waiting), Item
/// take() (it), arrived(completion) (which it owns).
template <class Stream, class Item, bool Throws>
class next_of final : public stream_waiting {
 public:
  next_of(Stream& stream, stream_state& state) : stream_waiting(state), stream_(stream) {}

  bool await_ready() const noexcept { return stream_.at_hand() || stream_waiting::await_ready(); }
  std::conditional_t<Throws, std::optional<Item>, result<std::optional<Item>>> await_resume() {
    while (!stream_.at_hand()) {
      creche_completion arrived;
      const int got = next(&arrived);
      if (got == 0) return std::optional<Item>();
      if (got > 0) {
        stream_.arrived(arrived);
        continue;
      }
      if constexpr (Throws)
        raise(failure());
      else
        return failure();
    }
    return std::optional<Item>(stream_.take());
  }

 private:
  Stream& stream_;
};

/// What next() gives, to be awaited where it is written.
template <class Stream, class Item, bool Throws>
class [[nodiscard]] get_next {
 public:
  using value_type = std::conditional_t<Throws, std::optional<Item>, result<std::optional<Item>>>;
  get_next(Stream& stream, stream_state& state) : stream_(stream), state_(state) {}
  next_of<Stream, Item, Throws> operator co_await() && { return {stream_, state_}; }

 private:
  Stream& stream_;
  stream_state& state_;
};

/// A stream: moves only, has begun when it is made, in the scope of the coroutine that makes it,
/// and ends with that scope or with itself, whichever is first. One waits for it at a time.
template <class Stream, class Item>
class pulled {
 public:
  using item = Item;
  pulled(pulled&& o) noexcept : state_(std::exchange(o.state_, nullptr)) {}
  pulled& operator=(pulled&& o) noexcept {
    if (this != &o) {
      if (state_ != nullptr) state_->abandon();
      state_ = std::exchange(o.state_, nullptr);
    }
    return *this;
  }

  /// Waits for the next item: nothing at the end. It lives until the next one is asked for.
  auto next() { return get_next<Stream, Item, true>(static_cast<Stream&>(*this), *state_); }
  /// The same as a result.
  auto try_next() { return get_next<Stream, Item, false>(static_cast<Stream&>(*this), *state_); }

 protected:
  template <class Start>
  explicit pulled(Start&& start) : state_(new stream_state(std::forward<Start>(start))) {}
  ~pulled() {
    if (state_ != nullptr) state_->abandon();
  }
  const stream_state& state() const { return *state_; }

 private:
  stream_state* state_;
};

}  // namespace creche::detail
#endif
