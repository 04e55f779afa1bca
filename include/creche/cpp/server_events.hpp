// creche/cpp/server_events.hpp: server-sent events.
#ifndef CRECHE_CPP_SERVER_EVENTS_HPP
#define CRECHE_CPP_SERVER_EVENTS_HPP

#include "handle.hpp"
#include "pulled.hpp"
#include "request.hpp"

namespace creche {

/// Options of a stream of events: creche_events_options.
struct events_options {
  request_options request = {};  ///< without a timeout it lasts as long as it likes
  ctext last_event_id = {};
  uint32_t flags = 0;     ///< CRECHE_EVENTS_*
  duration retry{0};      ///< before the next connection, until the server says another; 0: 3 s
  uint64_t max_data = 0;  ///< of one event; 0: 16 MiB
};

/// One event: views that live until the next one is asked for.
struct server_event {
  std::string_view type;
  std::string_view data;
  std::string_view id;
  uint32_t
      connection;  ///< of which it has come: a greater one than before says that there was a gap
};

/// `while (auto event = co_await events.next())`. A stream that is lost is asked for again by
/// itself.
class event_stream : public detail::pulled<event_stream, server_event> {
 public:
  template <class Start>
  explicit event_stream(Start&& start) : pulled(std::forward<Start>(start)) {}

 private:
  template <class, class, bool>
  friend class detail::next_of;
  bool at_hand() const { return raw_ != nullptr; }
  server_event take() {
    const creche_server_event* const e = std::exchange(raw_, nullptr);
    return {{e->type, e->type_size}, {e->data, e->data_size}, {e->id, e->id_size}, e->connection};
  }
  void arrived(const creche_completion& c) {
    held_.reset({c.value});
    raw_ = static_cast<const creche_server_event*>(c.data);
  }

  detail::held_value held_;
  const creche_server_event* raw_ = nullptr;
};

namespace detail {
/// call(const creche_events_options*), with these in C.
template <class Call>
creche_status with(const events_options& o, Call&& call) {
  return with(o.request, [&](const creche_request_options* request) {
    auto c = defaults<creche_events_options, creche_events_options_init>();
    c.request = request;
    c.flags = o.flags | CRECHE_EVENTS_KEEP;
    c.last_event_id = o.last_event_id.c_str();
    if (o.retry != duration(0)) c.retry = o.retry.count();
    if (o.max_data != 0) c.max_data = o.max_data;
    return call(static_cast<const creche_events_options*>(&c));
  });
}
}  // namespace detail

}  // namespace creche
#endif
