// creche/middleware.h
#include <creche/middleware.h>

#include <utility>

#include "capi/guard.h"
#include "capi/http_headers.h"
#include "capi/http_options.h"
#include "capi/open_close.h"
#include "capi/options.h"
#include "http/session.h"
#include "http/turns.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

using http::Decision;
using http::TurnFields;
static_assert(sizeof(creche_turn) == sizeof(TurnFields));
static_assert(offsetof(creche_turn, session) == offsetof(TurnFields, session));
static_assert(offsetof(creche_turn, task) == offsetof(TurnFields, task));
static_assert(offsetof(creche_turn, method) == offsetof(TurnFields, method));
static_assert(offsetof(creche_turn, error) == offsetof(TurnFields, error));
static_assert(static_cast<int>(http::Turn::kFailure) == CRECHE_TURN_FAILURE);
static_assert(static_cast<int>(Decision::Action::kFail) == CRECHE_TURN_FAIL);

template <>
creche_middleware Defaults() noexcept {
  creche_middleware o{};
  o.size = sizeof o;
  o.turns = CRECHE_TURN_BIT(CRECHE_TURN_REQUEST) | CRECHE_TURN_BIT(CRECHE_TURN_RESPONSE) |
            CRECHE_TURN_BIT(CRECHE_TURN_FAILURE);
  o.most_again = http::Middleware().most_again;
  return o;
}

creche_status ReadMiddleware(const creche_middleware* given, http::Middleware* middleware) {
  if (!given) return CRECHE_OK;
  creche_middleware o;
  if (creche_status failed = ReadOptions(given, &o, 0, "creche_middleware")) return failed;
  if (!o.ask) return Fail(Status::kInvalid, "middleware.ask is NULL: nobody to ask");
  if (o.turns & ~Defaults<creche_middleware>().turns)
    return Fail(Status::kUnsupported, "middleware.turns has unknown bits");
  // The structs are twins.
  middleware->ask = reinterpret_cast<decltype(middleware->ask)>(o.ask);
  middleware->user = o.user;
  middleware->turns = o.turns;
  middleware->most_again = o.most_again;
  return CRECHE_OK;
}

// Those of an answer are all there; of a request one without a value is taken out.
static creche_status ReadFields(const creche_decision& o, Decision* decision) {
  if (!o.headers && o.headers_count > 0)
    return Fail(Status::kInvalid, "headers is NULL, headers_count not 0");
  for (size_t i = 0; i < o.headers_count; i++) {
    const creche_header& h = o.headers[i];
    if (!h.name || !http::IsToken(h.name))
      return Fail(Status::kInvalid, "headers[%zu].name is no token", i);
    if (!h.value && (h.value_size > 0 || o.action == CRECHE_TURN_ANSWER))
      return Fail(Status::kInvalid, "headers[%zu].value is NULL", i);
    Decision::Field field{h.name, std::nullopt};
    if (h.value) field.value.emplace(h.value, h.value_size);
    if (field.value && !http::IsFieldValue(*field.value))
      return Fail(Status::kInvalid, "headers[%zu].value holds a control character", i);
    decision->fields.push_back(std::move(field));
  }
  return CRECHE_OK;
}

static creche_status ReadDecision(const creche_decision& o, Decision* decision) {
  if (o.size < sizeof o)
    return Fail(Status::kInvalid, "decision.size is not set: give the size of the struct");
  if (o.action > CRECHE_TURN_FAIL)
    return Fail(Status::kInvalid, "action is %u, none of CRECHE_TURN_*", o.action);
  if (o.delay < 0) return Fail(Status::kInvalid, "delay is negative; it counts nanoseconds");
  if (o.action == CRECHE_TURN_ANSWER && (o.http_status < 200 || o.http_status > 999))
    return Fail(Status::kInvalid, "http_status is %u; an answer has 200 to 999", o.http_status);
  if (o.action == CRECHE_TURN_FAIL && o.status >= 0)
    return Fail(Status::kInvalid, "status is %d, which is no failure", o.status);
  if (!o.body && o.body_size > 0) return Fail(Status::kInvalid, "body is NULL, its size not 0");
  decision->action = static_cast<Decision::Action>(o.action);
  decision->delay = o.delay;
  decision->http_status = o.http_status;
  if (o.body) decision->body.assign(static_cast<const char*>(o.body), o.body_size);
  if (o.action == CRECHE_TURN_FAIL)
    decision->error = MakeError(static_cast<Status>(o.status), Phase::kNone,
                                "the middleware of the session has refused the request");
  return ReadFields(o, decision);
}

}  // namespace creche::capi

extern "C" {

creche_status creche_middleware_init(creche_middleware* middleware, size_t size) {
  return InitOptions(middleware, size);
}

creche_status creche_session_decide(creche_session session, uint64_t turn,
                                    const creche_decision* decision) {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    Ref<http::Session> found = Find<http::Session>(session.id, &failed);
    if (!found) return failed;
    Decision made;
    if (decision)
      if (creche_status wrong = ReadDecision(*decision, &made)) return wrong;
    if (found->Decide(turn, std::move(made)) == Status::kState)
      return Fail(Status::kState, "there is no such turn: its request is over, or it was answered");
    return CRECHE_OK;
  });
}

}  // extern "C"
