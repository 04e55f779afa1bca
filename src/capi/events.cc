// creche/events.h
#include <creche/events.h>

#include "capi/guard.h"
#include "capi/options.h"
#include "capi/request_start.h"
#include "http/events/events_operation.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

static_assert(sizeof(creche_server_event) == sizeof(http::EventFields));
static_assert(offsetof(creche_server_event, connection) == offsetof(http::EventFields, connection));
static_assert(offsetof(creche_server_event, data) == offsetof(http::EventFields, data));
static_assert(offsetof(creche_server_event, id_size) == offsetof(http::EventFields, id_size));

template <>
creche_events_options Defaults() noexcept {
  const http::EventsSettings d;
  creche_events_options o{};
  o.size = sizeof o;
  o.retry = d.retry;
  o.max_retry = d.max_retry;
  o.max_data = d.max_data;
  o.max_held = d.max_held;
  o.attempts = d.attempts;
  return o;
}

static creche_status ReadEvents(const creche_events_options* given, creche_events_options* o) {
  if (creche_status failed =
          ReadOptions(given, o, CRECHE_EVENTS_ONCE | CRECHE_EVENTS_AGAIN | CRECHE_EVENTS_KEEP,
                      "creche_events_options"))
    return failed;
  if (o->reserved != 0) return Fail(Status::kUnsupported, "reserved is set; leave it 0");
  if (o->retry < 0 || o->max_retry < 0)
    return Fail(Status::kInvalid, "retry and max_retry are nanoseconds, and not negative");
  if (o->max_held == 0) return Fail(Status::kInvalid, "max_held is 0: no event could come");
  return CRECHE_OK;
}

// What is asked for, again and again.
static Result<void> FillEvents(const char* url, const creche_events_options& o, RequestStart* start,
                               http::Request* request) {
  if (auto filled = start->Fill(url, request); !filled.ok()) return filled;
  if (o.last_event_id && !http::IsFieldValue(o.last_event_id))
    return MakeError(Status::kInvalid, Phase::kOptions,
                     "last_event_id holds what cannot stand in a header");
  if (request->headers.Has("Last-Event-ID"))
    return MakeError(Status::kInvalid, Phase::kOptions,
                     "Last-Event-ID changes with each connection: give the first as last_event_id");
  if (start->options().timeouts.read_gap == 0) request->timeouts.read_gap = kNever;
  if (!request->headers.Has(http::Known::kAccept))
    if (auto added = request->headers.Add("Accept", "text/event-stream"); !added.ok()) return added;
  if (!request->headers.Has("Cache-Control"))
    if (auto added = request->headers.Add("Cache-Control", "no-store"); !added.ok()) return added;
  return {};
}

}  // namespace creche::capi

extern "C" {

creche_status creche_events_options_init(creche_events_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_session_events(creche_session session, creche_scope in, const char* url,
                                    const creche_events_options* options, creche_done_fn done,
                                    void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_events_options o;
    if (creche_status failed = ReadEvents(options, &o)) return failed;
    RequestStart start;
    if (creche_status failed = start.Read(session, in, url, o.request, done, user, task))
      return failed;
    if (start.options().flags & CRECHE_REQUEST_PULL_BODY)
      return Fail(Status::kInvalid,
                  "a stream of events may be asked for anew: give its request's body as bytes");
    http::Request request;
    const Result<void> filled = FillEvents(url, o, &start, &request);
    const bool idempotent = http::IsIdempotent(request.method);
    auto operation = std::make_unique<http::EventsOperation>(
        start.TakeUse(),
        http::EventsSettings{.last_id = o.last_event_id ? o.last_event_id : "",
                             .retry = o.retry,
                             .max_retry = o.max_retry,
                             .max_data = o.max_data,
                             .max_held = o.max_held,
                             .attempts = o.attempts,
                             .once = (o.flags & CRECHE_EVENTS_ONCE) != 0 ||
                                     (!idempotent && (o.flags & CRECHE_EVENTS_AGAIN) == 0),
                             .keep = (o.flags & CRECHE_EVENTS_KEEP) != 0});
    operation->request() = std::move(request);
    return start.Start(std::move(operation), filled);
  });
}

}  // extern "C"
