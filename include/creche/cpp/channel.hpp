// creche/cpp/channel.hpp: bounded queues between coroutines, and from other threads.
#ifndef CRECHE_CPP_CHANNEL_HPP
#define CRECHE_CPP_CHANNEL_HPP

#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "handle.hpp"
#include "loop.hpp"
#include "operation.hpp"

namespace creche {

namespace detail {

/// How a T is one item of 64 bits: as it is, if it fits, else on the heap.
template <class T>
struct packed {
  static constexpr bool small = std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(uint64_t) &&
                                std::is_default_constructible_v<T>;
  static uint64_t pack(T&& value) {
    uint64_t item = 0;
    if constexpr (small)
      std::memcpy(&item, &value, sizeof value);
    else
      item = reinterpret_cast<uintptr_t>(new T(std::move(value)));
    return item;
  }
  static T unpack(uint64_t item) {
    if constexpr (small) {
      T value;
      std::memcpy(&value, &item, sizeof value);
      return value;
    } else {
      const std::unique_ptr<T> boxed(reinterpret_cast<T*>(item));
      return std::move(*boxed);
    }
  }
  static void drop(void*, uint64_t item) {
    if constexpr (!small) delete reinterpret_cast<T*>(item);
  }
};

}  // namespace detail

template <class T>
class sender {
 public:
  explicit sender(creche_sender raw) : raw_(raw) {}
  /// Waits until somebody receives it, or the channel has room. Throws CRECHE_E_CLOSED if nobody
  /// receives any more.
  auto send(T value) {
    return call([raw = raw_.get(), value = std::move(value)](creche_scope in, creche_done_fn done,
                                                             void* user) mutable {
      const uint64_t item = detail::packed<T>::pack(std::move(value));
      const creche_status status = creche_channel_send(raw, in, item, nullptr, done, user, nullptr);
      if (status != CRECHE_OK) detail::packed<T>::drop(nullptr, item);
      return status;
    });
  }
  /// Now, or not at all. From any thread.
  bool try_send(T value) {
    const uint64_t item = detail::packed<T>::pack(std::move(value));
    if (creche_channel_try_send(raw_.get(), item) == CRECHE_OK) return true;
    detail::packed<T>::drop(nullptr, item);
    return false;
  }
  /// Another one of the same channel, which is at its end when all are.
  sender clone() const {
    creche_sender raw{};
    detail::check(creche_sender_clone(raw_.get(), &raw));
    return sender(raw);
  }
  void reset() noexcept { raw_.reset(); }
  creche_sender get() const noexcept { return raw_.get(); }

 private:
  detail::handle<creche_sender, creche_sender_release> raw_;
};

template <class T>
class receiver {
 public:
  explicit receiver(creche_receiver raw) : raw_(raw) {}
  /// Waits for an item: nothing when the last sender is gone and all were taken.
  auto receive() {
    return call(
        [raw = raw_.get()](creche_scope in, creche_done_fn done, void* user) {
          return creche_channel_receive(raw, in, nullptr, done, user, nullptr);
        },
        [](const creche_completion& c) {
          return c.kind == CRECHE_END ? std::optional<T>()
                                      : std::optional<T>(detail::packed<T>::unpack(c.value));
        });
  }
  /// Now, or nothing. From any thread.
  std::optional<T> try_receive() {
    uint64_t item = 0;
    if (creche_channel_try_receive(raw_.get(), &item) != CRECHE_OK) return std::nullopt;
    return detail::packed<T>::unpack(item);
  }
  receiver clone() const {
    creche_receiver raw{};
    detail::check(creche_receiver_clone(raw_.get(), &raw));
    return receiver(raw);
  }
  void reset() noexcept { raw_.reset(); }
  creche_receiver get() const noexcept { return raw_.get(); }

 private:
  detail::handle<creche_receiver, creche_receiver_release> raw_;
};

/// Opens a channel: `auto [out, in] = creche::channel<std::string>(10);`. capacity: items that wait
/// for a receiver; 0: each send meets a receive.
template <class T>
std::pair<sender<T>, receiver<T>> channel(creche_loop on, uint32_t capacity = 0) {
  auto o = detail::defaults<creche_channel_options, creche_channel_options_init>();
  o.capacity = capacity;
  o.item_free = &detail::packed<T>::drop;
  creche_sender sending{};
  creche_receiver receiving{};
  detail::check(creche_channel_open(on, &o, &sending, &receiving));
  return {sender<T>(sending), receiver<T>(receiving)};
}
/// On the loop of the coroutine that makes it.
template <class T>
std::pair<sender<T>, receiver<T>> channel(uint32_t capacity = 0) {
  return channel<T>(current_loop(), capacity);
}

}  // namespace creche
#endif
