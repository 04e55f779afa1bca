// creche/limiter.h
#include <creche/limiter.h>

#include "capi/options.h"
#include "capi/start_args.h"
#include "tasks/api.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_limiter_options Defaults() noexcept {
  creche_limiter_options o{};
  o.size = sizeof o;
  o.total = 1;
  return o;
}

template <>
creche_rate_options Defaults() noexcept {
  creche_rate_options o{};
  o.size = sizeof o;
  o.permits = 1;
  o.interval = CRECHE_SECOND;
  return o;
}

static constexpr char kLimiter[] = "a limiter";
static constexpr char kRate[] = "a rate limiter";

static creche_status Borrowing(Status status, creche_scope in, uint64_t culprit) {
  if (status == Status::kState && culprit != in.id)
    return Fail(status, "this borrower holds a token of the limiter, or waits for one, already");
  if (status == Status::kLimit)
    return Fail(status,
                "no token is free, or others wait for one; wait with creche_limiter_acquire");
  return Started(status, in, culprit, kLimiter);
}

static creche_status Permits(Status status, uint32_t permits, uint64_t rate) {
  if (status == Status::kInvalid)
    return Fail(status,
                "%u permits would never be there: want 1 or more, and no more than the burst",
                permits);
  if (status == Status::kLimit)
    return Fail(status, "the permits are not there yet; wait with creche_rate_acquire");
  return Explained(status, rate, kRate);
}

}  // namespace creche::capi

extern "C" {

creche_status creche_limiter_options_init(creche_limiter_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_limiter_open(creche_loop loop, const creche_limiter_options* options,
                                  creche_limiter* limiter) {
  return Guard([&]() -> creche_status {
    if (!limiter) return Fail(Status::kInvalid, "limiter is NULL: nowhere to store the handle");
    *limiter = {};
    creche_limiter_options o;
    if (creche_status failed = ReadOptions(options, &o, 0, "creche_limiter_options")) return failed;
    return Explained(tasks::OpenLimiter(loop.scope.id, o.name, o.total, &limiter->id),
                     loop.scope.id, "a loop");
  });
}

creche_status creche_limiter_acquire(creche_limiter limiter, creche_scope in, uint64_t borrower,
                                     const creche_task_options* options, creche_done_fn done,
                                     void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    StartArgsReader reader;
    if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
    uint64_t culprit;
    const Status status = tasks::AcquireToken(limiter.id, borrower, reader.args, &culprit);
    return Borrowing(status, in, culprit);
  });
}

creche_status creche_limiter_try(creche_limiter limiter, creche_scope in, uint64_t borrower,
                                 creche_token* token) {
  return Guard([&]() -> creche_status {
    if (!token) return Fail(Status::kInvalid, "token is NULL: nowhere to store the handle");
    *token = {};
    uint64_t culprit;
    const Status status = tasks::TryAcquireToken(limiter.id, in.id, borrower, &token->id, &culprit);
    return Borrowing(status, in, culprit);
  });
}

creche_status creche_limiter_set_total(creche_limiter limiter, uint32_t total) {
  return Guard(
      [&] { return Explained(tasks::SetLimiterTotal(limiter.id, total), limiter.id, kLimiter); });
}

creche_status creche_limiter_get_state(creche_limiter limiter, creche_limiter_state* state,
                                       size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(state, size, "state")) return failed;
    tasks::LimiterState s;
    const Status status = tasks::GetLimiterState(limiter.id, &s);
    if (status != Status::kOk) return Explained(status, limiter.id, kLimiter);
    const creche_limiter_state out = {static_cast<uint32_t>(size), 0, s.total, s.borrowed,
                                      s.waiting};
    StoreSized(out, state, size);
    return CRECHE_OK;
  });
}

void creche_limiter_release(creche_limiter limiter) {
  Release([&] { tasks::ReleaseLimiter(limiter.id); });
}

creche_status creche_token_move(creche_token token, creche_scope to) {
  return Guard([&]() -> creche_status {
    uint64_t culprit;
    const Status status = tasks::MoveToken(token.id, to.id, &culprit);
    return Started(status, to, culprit, "a token");
  });
}

void creche_token_release(creche_token token) {
  Release([&] { tasks::ReleaseToken(token.id); });
}

creche_status creche_rate_options_init(creche_rate_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_rate_open(creche_loop loop, const creche_rate_options* options,
                               creche_rate* rate) {
  return Guard([&]() -> creche_status {
    if (!rate) return Fail(Status::kInvalid, "rate is NULL: nowhere to store the handle");
    *rate = {};
    creche_rate_options o;
    if (creche_status failed = ReadOptions(options, &o, 0, "creche_rate_options")) return failed;
    if (o.permits == 0 || o.interval <= 0)
      return Fail(Status::kInvalid,
                  "creche_rate_options: permits and interval are 1 or more; to let nobody through, "
                  "pause it");
    const tasks::RateOptions checked = {.name = o.name,
                                        .permits = o.permits,
                                        .burst = o.burst != 0 ? o.burst : o.permits,
                                        .interval = o.interval};
    return Explained(tasks::OpenRate(loop.scope.id, checked, &rate->id), loop.scope.id, "a loop");
  });
}

creche_status creche_rate_acquire(creche_rate rate, creche_scope in, uint32_t permits,
                                  const creche_task_options* options, creche_done_fn done,
                                  void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    StartArgsReader reader;
    if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
    uint64_t culprit;
    const Status status = tasks::AcquireRate(rate.id, permits, reader.args, &culprit);
    if (status == Status::kInvalid && culprit != in.id) return Permits(status, permits, rate.id);
    return Started(status, in, culprit, kRate);
  });
}

creche_status creche_rate_try(creche_rate rate, uint32_t permits) {
  return Guard([&] { return Permits(tasks::TryAcquireRate(rate.id, permits), permits, rate.id); });
}

creche_status creche_rate_pause(creche_rate rate, int64_t until) {
  return Guard([&] { return Explained(tasks::PauseRate(rate.id, until), rate.id, kRate); });
}

creche_status creche_rate_resume(creche_rate rate) {
  return Guard([&] { return Explained(tasks::ResumeRate(rate.id), rate.id, kRate); });
}

creche_status creche_rate_get_state(creche_rate rate, creche_rate_state* state, size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(state, size, "state")) return failed;
    tasks::RateState s;
    const Status status = tasks::GetRateState(rate.id, &s);
    if (status != Status::kOk) return Explained(status, rate.id, kRate);
    const creche_rate_state out = {
        static_cast<uint32_t>(size), 0, s.available, s.waiting, s.next, s.paused_until};
    StoreSized(out, state, size);
    return CRECHE_OK;
  });
}

void creche_rate_release(creche_rate rate) {
  Release([&] { tasks::ReleaseRate(rate.id); });
}

}  // extern "C"
