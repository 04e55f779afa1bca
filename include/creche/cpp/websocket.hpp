// creche/cpp/websocket.hpp: WebSockets.
#ifndef CRECHE_CPP_WEBSOCKET_HPP
#define CRECHE_CPP_WEBSOCKET_HPP

#include <optional>
#include <span>
#include <string>

#include "handle.hpp"
#include "operation.hpp"
#include "request.hpp"

namespace creche {

/// Options of a WebSocket: creche_websocket_options.
struct websocket_options {
  request_options request = {};  ///< of the handshake
  ctext protocol = {};           ///< a subprotocol to offer
  uint32_t flags = 0;            ///< CRECHE_WEBSOCKET_*
  uint64_t max_message = 0;      ///< 0: 16 MiB
  duration heartbeat = never;
};

/// A message: a view that lives until the next one is asked for.
struct message {
  bool text;
  std::string_view data;
};

/// Belongs to the task or group that it was opened in; its end closes it.
class websocket {
  auto send(uint32_t type, const void* data, size_t size) {
    return call(
        [raw = raw_.get(), type, data, size](creche_scope in, creche_done_fn done, void* user) {
          return creche_websocket_send(raw, in, type, data, size, nullptr, done, user, nullptr);
        });
  }

 public:
  explicit websocket(creche_websocket raw) : raw_(raw) {}

  /// Has sent it when the system has taken all of it. Text must be UTF-8.
  auto send(std::string_view text) { return send(CRECHE_WEBSOCKET_TEXT, text.data(), text.size()); }
  auto send(std::span<const std::byte> bytes) {
    return send(CRECHE_WEBSOCKET_BINARY, bytes.data(), bytes.size());
  }
  /// The next message: `while (auto message = co_await ws.receive())`; nothing when the server has
  /// closed: close_code() says with which code.
  auto receive() {
    return call(
        [raw = raw_.get()](creche_scope in, creche_done_fn done, void* user) {
          return creche_websocket_receive(raw, in, nullptr, done, user, nullptr);
        },
        [this](const creche_completion& c) -> std::optional<message> {
          last_.assign(static_cast<const char*>(c.data), c.data_size);
          if (c.kind == CRECHE_END) {
            code_ = c.code;
            return std::nullopt;
          }
          return message{c.code == CRECHE_WEBSOCKET_TEXT, last_};
        });
  }
  /// Closes in order, and gives the server's close code.
  auto close(uint32_t code = 1000, ctext reason = {}) {
    return call(
        [raw = raw_.get(), code, reason](creche_scope in, creche_done_fn done, void* user) {
          return creche_websocket_close(raw, in, code, reason.c_str(), nullptr, done, user,
                                        nullptr);
        },
        [](const creche_completion& c) { return c.code; });
  }
  uint32_t close_code() const { return code_; }
  /// The subprotocol that was agreed on, or nothing.
  std::string_view protocol() const {
    const char* const text = creche_websocket_protocol(raw_.get());
    return text != nullptr ? text : "";
  }
  creche_websocket get() const noexcept { return raw_.get(); }

 private:
  detail::handle<creche_websocket, creche_websocket_release> raw_;
  std::string last_;
  uint32_t code_ = 0;
};

namespace detail {
struct take_websocket {
  websocket operator()(const creche_completion& c) const {
    return websocket(creche_websocket{c.value});
  }
};
/// call(const creche_websocket_options*), with these in C.
template <class Call>
creche_status with(const websocket_options& o, Call&& call) {
  return with(o.request, [&](const creche_request_options* request) {
    auto c = defaults<creche_websocket_options, creche_websocket_options_init>();
    const char* const protocol = o.protocol.c_str();
    c.request = request;
    c.flags = o.flags;
    if (protocol != nullptr) {
      c.protocols = &protocol;
      c.protocols_count = 1;
    }
    if (o.max_message != 0) c.max_message = o.max_message;
    c.heartbeat = o.heartbeat.count();
    return call(static_cast<const creche_websocket_options*>(&c));
  });
}
}  // namespace detail

}  // namespace creche
#endif
