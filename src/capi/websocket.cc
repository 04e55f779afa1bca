// creche/websocket.h
#include <creche/websocket.h>

#include <cstring>

#include "capi/guard.h"
#include "capi/open_close.h"
#include "capi/options.h"
#include "capi/request_start.h"
#include "capi/start_args.h"
#include "http/url_join.h"
#include "http/websocket/connect_operation.h"
#include "http/websocket/operations.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_websocket_options Defaults() noexcept {
  const http::WebsocketSettings d;
  creche_websocket_options o{};
  o.size = sizeof o;
  o.max_message = d.max_message;
  o.heartbeat = d.heartbeat;
  o.close_timeout = d.close_timeout;
  return o;
}

static constexpr size_t kMostReason = 123;

static bool IsUtf8(std::string_view text) {
  http::Utf8Check check;
  return check.Take(text) && check.complete();
}

static creche_status ReadWebsocket(const creche_websocket_options* given,
                                   creche_websocket_options* o) {
  if (creche_status failed =
          ReadOptions(given, o, CRECHE_WEBSOCKET_NO_COMPRESSION | CRECHE_WEBSOCKET_TAKEOVER,
                      "creche_websocket_options"))
    return failed;
  if (!o->protocols && o->protocols_count > 0)
    return Fail(Status::kInvalid, "protocols is NULL, protocols_count not 0");
  for (size_t i = 0; i < o->protocols_count; i++)
    if (!o->protocols[i]) return Fail(Status::kInvalid, "protocols[%zu] is NULL", i);
  if (o->heartbeat <= 0 || o->close_timeout < 0)
    return Fail(Status::kInvalid,
                "heartbeat and close_timeout are nanoseconds, above 0; CRECHE_NEVER for none");
  return CRECHE_OK;
}

static bool HasMethodOrBody(const creche_request_options& r) {
  return r.method || r.body || r.body_file || r.form_count > 0 ||
         (r.flags & CRECHE_REQUEST_PULL_BODY) != 0;
}

static Result<void> FillHandshake(const char* url, const http::WebsocketOffer& offer,
                                  RequestStart* start, http::Request* request) {
  if (auto filled = start->Fill(http::HttpOfWs(url).c_str(), request); !filled.ok()) return filled;
  request->decode = false;
  request->route.upgrades = true;
  return offer.AppendTo(&request->headers);
}

// Starts an operation of T on a WebSocket.
template <class T, class... A>
static creche_status StartOn(creche_websocket websocket, creche_scope in,
                             const creche_task_options* options, creche_done_fn done, void* user,
                             creche_task* task, A... arguments) {
  StartArgsReader reader;
  if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
  creche_status failed = CRECHE_OK;
  Ref<http::Websocket> found = Find<http::Websocket>(websocket.id, &failed);
  if (!found) return failed;
  Loop& loop = found->loop();
  return Started(
      tasks::StartOperation(loop, reader.args,
                            std::make_unique<T>(std::move(found), std::move(arguments)...)),
      in);
}

}  // namespace creche::capi

extern "C" {

creche_status creche_websocket_options_init(creche_websocket_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_session_websocket(creche_session session, creche_scope in, const char* url,
                                       const creche_websocket_options* options, creche_done_fn done,
                                       void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_websocket_options o;
    if (creche_status failed = ReadWebsocket(options, &o)) return failed;
    RequestStart start;
    if (creche_status failed = start.Read(session, in, url, o.request, done, user, task))
      return failed;
    if (HasMethodOrBody(start.options()))
      return Fail(Status::kInvalid, "the handshake of a WebSocket is a GET without a body");
    http::WebsocketOffer offer{.key = http::WebsocketOffer::NewKey(),
                               .protocols = {o.protocols, o.protocols + o.protocols_count},
                               .compress = (o.flags & CRECHE_WEBSOCKET_NO_COMPRESSION) == 0,
                               .takeover = (o.flags & CRECHE_WEBSOCKET_TAKEOVER) != 0};
    http::Request request;
    const Result<void> filled = FillHandshake(url, offer, &start, &request);
    auto operation = std::make_unique<http::ConnectOperation>(
        start.TakeUse(),
        http::WebsocketSettings{.max_message = o.max_message,
                                .heartbeat = o.heartbeat,
                                .close_timeout = o.close_timeout},
        std::move(offer));
    operation->request() = std::move(request);
    return start.Start(std::move(operation), filled);
  });
}

creche_status creche_websocket_send(creche_websocket websocket, creche_scope in, uint32_t type,
                                    const void* data, size_t size,
                                    const creche_task_options* options, creche_done_fn done,
                                    void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    if (type != CRECHE_WEBSOCKET_TEXT && type != CRECHE_WEBSOCKET_BINARY)
      return Fail(Status::kInvalid, "type is %u; use CRECHE_WEBSOCKET_TEXT or _BINARY", type);
    if (!data && size > 0) return Fail(Status::kInvalid, "data is NULL, size not 0");
    const std::string_view bytes(size > 0 ? static_cast<const char*>(data) : "", size);
    if (type == CRECHE_WEBSOCKET_TEXT && !IsUtf8(bytes))
      return Fail(Status::kInvalid, "the text is no UTF-8: send it as CRECHE_WEBSOCKET_BINARY");
    return StartOn<http::SendOperation>(websocket, in, options, done, user, task,
                                        type == CRECHE_WEBSOCKET_TEXT, std::string(bytes));
  });
}

creche_status creche_websocket_receive(creche_websocket websocket, creche_scope in,
                                       const creche_task_options* options, creche_done_fn done,
                                       void* user, creche_task* task) {
  return Guard(
      [&] { return StartOn<http::ReceiveOperation>(websocket, in, options, done, user, task); });
}

creche_status creche_websocket_close(creche_websocket websocket, creche_scope in, uint32_t code,
                                     const char* reason, const creche_task_options* options,
                                     creche_done_fn done, void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    const std::string_view text = reason ? reason : "";
    if (code != 0 && !http::MaySayClose(code))
      return Fail(Status::kInvalid, "%u is no code that may be sent: use 1000, or 3000 to 4999",
                  code);
    if (text.size() > kMostReason || !IsUtf8(text) || (code == 0 && !text.empty()))
      return Fail(Status::kInvalid,
                  "the reason of a close is UTF-8, up to %zu bytes, and stands behind a code",
                  kMostReason);
    return StartOn<http::CloseOperation>(websocket, in, options, done, user, task,
                                         static_cast<uint16_t>(code), std::string(text));
  });
}

const char* creche_websocket_protocol(creche_websocket websocket) {
  return GuardOr<const char*>(nullptr, [&]() -> const char* {
    creche_status failed = CRECHE_OK;
    const Ref<http::Websocket> found = Find<http::Websocket>(websocket.id, &failed);
    return found ? found->protocol().c_str() : nullptr;
  });
}

creche_status creche_websocket_move(creche_websocket websocket, creche_scope to) {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    const Ref<http::Websocket> found = Find<http::Websocket>(websocket.id, &failed);
    if (!found) return failed;
    return Started(found->MoveTo(found->loop(), to.id), to);
  });
}

void creche_websocket_release(creche_websocket websocket) {
  ReleaseHandle<http::Websocket>(websocket.id);
}

}  // extern "C"
