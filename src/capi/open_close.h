// Handles of objects with a reference count: found, opened, closed and released, once for all
// kinds.
#pragma once
#include <creche/loop.h>

#include <utility>

#include "capi/start_args.h"
#include "core/handles.h"

namespace creche {

class TlsSettings;
namespace http {
class CookieJar;
class Response;
class Session;
class Websocket;
}  // namespace http
namespace pg {
class ConnectionLease;
class Pool;
class Rows;
}  // namespace pg

namespace capi {

// What a class of objects is to users. A new kind of handle is a line here.
struct HandleKind {
  Kind kind;
  const char* name;  // in messages
};
template <class T>
inline constexpr HandleKind kHandleOf = {Kind::kNone, ""};
template <>
inline constexpr HandleKind kHandleOf<http::Session> = {Kind::kSession, "a session"};
template <>
inline constexpr HandleKind kHandleOf<http::Response> = {Kind::kResponse, "a response"};
template <>
inline constexpr HandleKind kHandleOf<http::CookieJar> = {Kind::kCookieJar, "a jar of cookies"};
template <>
inline constexpr HandleKind kHandleOf<http::Websocket> = {Kind::kWebsocket, "a WebSocket"};
template <>
inline constexpr HandleKind kHandleOf<TlsSettings> = {Kind::kTls, "TLS settings"};
template <>
inline constexpr HandleKind kHandleOf<pg::Pool> = {Kind::kPool, "a pool"};
template <>
inline constexpr HandleKind kHandleOf<pg::ConnectionLease> = {Kind::kConnection, "a connection"};
template <>
inline constexpr HandleKind kHandleOf<pg::Rows> = {Kind::kRows, "rows"};

// The object with a reference; null with *failed set.
template <class T>
Ref<T> Find(uint64_t id, creche_status* failed) noexcept {
  Status status = Status::kOk;
  Ref<T> found = creche::Find<T>(id, kHandleOf<T>.kind, &status);
  *failed = found ? CRECHE_OK : Explained(status, id, kHandleOf<T>.name);
  return found;
}

// Opens a resident of a loop (tasks::Resident). open(Ref<Loop>, Ref<T>*): makes it, and returns the
// status of the ABI.
template <class T, class Open>
creche_status OpenResident(creche_loop loop, uint64_t* id, Open open) {
  Status status = Status::kOk;
  Ref<Loop> found = tasks::FindLoop(loop.scope.id, &status);
  if (!found) return Explained(status, loop.scope.id, "a loop");
  Ref<T> opened;
  if (creche_status failed = open(std::move(found), &opened)) return failed;
  *id = AddObject(kHandleOf<T>.kind, opened, opened->loop());
  if (*id == 0) {
    opened->Released();
    return Explained(Status::kNoMemory, 0, kHandleOf<T>.name);
  }
  if (opened->gone()) ForgetObject(*id);  // the loop has ended just now
  return CRECHE_OK;
}

// creche_x_close of a resident.
template <class T>
creche_status CloseResident(uint64_t id, creche_done_fn done, void* user) noexcept {
  return Guard([&]() -> creche_status {
    if (done == creche_to_group)
      return Fail(Status::kInvalid, "a close belongs to no group; give a function or NULL as done");
    creche_status failed = CRECHE_OK;
    Ref<T> found = Find<T>(id, &failed);
    if (!found) return failed;
    tasks::StartArgs args;
    SetRoute(done, user, &args);
    return Closed(found->Close(args), id, kHandleOf<T>.name);
  });
}

// creche_x_release. Harmless for handles of other kinds.
template <class T>
void ReleaseHandle(uint64_t id) noexcept {
  Release([&] {
    if (KindOf(id) == kHandleOf<T>.kind) ReleaseObject(id);
  });
}

}  // namespace capi
}  // namespace creche
