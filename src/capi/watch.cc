// creche/watch.h
#include <creche/watch.h>

#include "capi/http_options.h"
#include "capi/options.h"
#include "http/watch.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

using http::WatchFields;
static_assert(sizeof(creche_request_event) == sizeof(WatchFields));
static_assert(offsetof(creche_request_event, task) == offsetof(WatchFields, task));
static_assert(offsetof(creche_request_event, status) == offsetof(WatchFields, status));
static_assert(offsetof(creche_request_event, bytes) == offsetof(WatchFields, bytes));
static_assert(offsetof(creche_request_event, headers) == offsetof(WatchFields, headers));
static_assert(offsetof(creche_request_event, error) == offsetof(WatchFields, error));
static_assert(sizeof(creche_header) == sizeof(http::WatchedField));
static_assert(offsetof(creche_header, value_size) == offsetof(http::WatchedField, value_size));
static_assert(static_cast<int>(http::WatchEvent::kChunkReceived) == CRECHE_WATCH_CHUNK_RECEIVED);

template <>
creche_watch Defaults() noexcept {
  creche_watch o{};
  o.size = sizeof o;
  o.events = UINT64_MAX;
  return o;
}

creche_status ReadWatch(const creche_watch* given, http::Hook* hook) {
  if (!given) return CRECHE_OK;
  creche_watch o;
  if (creche_status failed = ReadOptions(given, &o, 0, "creche_watch")) return failed;
  hook->events = o.events;
  hook->tell = reinterpret_cast<decltype(hook->tell)>(o.tell);  // the structs are twins
  hook->traceparent = o.traceparent;
  hook->user = o.user;
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_watch_init(creche_watch* watch, size_t size) {
  return InitOptions(watch, size);
}

}  // extern "C"
