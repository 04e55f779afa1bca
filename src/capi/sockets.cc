// creche/sockets.h
#include <creche/sockets.h>

#include <algorithm>
#include <climits>

#include "capi/http_routes.h"
#include "capi/options.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

static_assert(sizeof(creche_new_socket) == sizeof(NewSocket));
static_assert(offsetof(creche_new_socket, fd) == offsetof(NewSocket, fd));
static_assert(offsetof(creche_new_socket, address) == offsetof(NewSocket, address));

template <>
creche_socket_options Defaults() noexcept {
  creche_socket_options o{};
  o.size = sizeof o;
  return o;
}

namespace {

constexpr size_t kLongestName = 15;  // IFNAMSIZ, with its NUL

// In units, rounded up.
int In(Nanos unit, Nanos time) {
  return static_cast<int>(std::min<Nanos>(time / unit + (time % unit != 0), INT_MAX));
}
int Bytes(uint32_t size) {
  return static_cast<int>(std::min<uint32_t>(size, INT_MAX));
}

}  // namespace

creche_status ReadSocketOptions(const creche_socket_options* given,
                                std::shared_ptr<const SocketSettings>* settings) {
  if (!given) return CRECHE_OK;
  creche_socket_options o;
  if (creche_status failed = ReadOptions(given, &o, 0, "creche_socket_options")) return failed;
  if (o.keepalive_idle < 0 || o.keepalive_interval < 0 || o.user_timeout < 0)
    return Fail(Status::kInvalid, "sockets: a time is negative; it counts nanoseconds");
  if (o.reserved != 0) return Fail(Status::kUnsupported, "a reserved field is set; leave it 0");
  auto s = std::make_shared<SocketSettings>();
  s->options = {.keepalive_idle = In(kSecond, o.keepalive_idle),
                .keepalive_interval = In(kSecond, o.keepalive_interval),
                .keepalive_count = Bytes(o.keepalive_count),
                .user_timeout = static_cast<unsigned>(In(kMillisecond, o.user_timeout)),
                .send_buffer = Bytes(o.send_buffer),
                .receive_buffer = Bytes(o.receive_buffer),
                .interface_name = o.interface_name ? o.interface_name : ""};
  if (o.interface_name &&
      (s->options.interface_name.empty() || s->options.interface_name.size() > kLongestName))
    return Fail(Status::kInvalid, "sockets: interface_name is empty or longer than 15 bytes");
  // The structs are twins.
  s->opened = reinterpret_cast<decltype(s->opened)>(o.opened);
  s->user = o.user;
  *settings = std::move(s);
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_socket_options_init(creche_socket_options* options, size_t size) {
  return InitOptions(options, size);
}

}  // extern "C"
