// creche/cpp/listener.hpp: LISTEN, and what others say by NOTIFY.
#ifndef CRECHE_CPP_LISTENER_HPP
#define CRECHE_CPP_LISTENER_HPP

#include "handle.hpp"
#include "pulled.hpp"

namespace creche {

/// What was said, or what became of the connection: views that live until the next one is asked
/// for.
struct notification {
  uint32_t
      what;  ///< CRECHE_LISTEN_NOTIFICATION; _STARTED comes first; _GAP: some may be lost, look
  std::string_view channel;
  std::string_view payload;
  uint32_t process;
  uint64_t dropped;  ///< thrown away before this one, because too many were not taken
  bool is_message() const { return what == CRECHE_LISTEN_NOTIFICATION; }
};

/// `while (auto said = co_await jobs.next())`. Connects again by itself.
class listener : public detail::pulled<listener, notification> {
 public:
  template <class Start>
  explicit listener(Start&& start) : pulled(std::forward<Start>(start)) {}

 private:
  template <class, class, bool>
  friend class detail::next_of;
  bool at_hand() const { return raw_ != nullptr; }
  notification take() {
    const creche_notification* const n = std::exchange(raw_, nullptr);
    return {n->what, n->channel, {n->payload, n->payload_size}, n->process, n->dropped};
  }
  void arrived(const creche_completion& c) {
    held_.reset({c.value});
    raw_ = static_cast<const creche_notification*>(c.data);
  }

  detail::held_value held_;
  const creche_notification* raw_ = nullptr;
};

}  // namespace creche
#endif
