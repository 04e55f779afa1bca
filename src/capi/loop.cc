// creche/loop.h
#include <creche/loop.h>

#include <algorithm>
#include <cstring>

#include "capi/log.h"
#include "capi/options.h"
#include "capi/start_args.h"
#include "tasks/api.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_loop_options Defaults() noexcept {
  creche_loop_options o{};
  o.size = sizeof o;
  o.offload_limit = 40;
  return o;
}

static constexpr char kLoop[] = "a loop";

static creche_status OfClock(Status status, creche_loop loop) {
  if (status == Status::kState)
    return Fail(status,
                "the loop's clock is the real one (open it with CRECHE_CLOCK_VIRTUAL), or nobody "
                "holds it");
  return Explained(status, loop.scope.id, kLoop);
}

static creche_status OfRun(Status status, creche_loop loop) {
  if (status == Status::kState)
    return Fail(status,
                "the loop has a thread of its own (open it with CRECHE_RUN_CALLER to run it), or "
                "another thread runs or joins it now");
  return Explained(status, loop.scope.id, kLoop);
}

}  // namespace creche::capi

extern "C" {

creche_status creche_loop_options_init(creche_loop_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_loop_open(const creche_loop_options* options, creche_loop* loop) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (!loop) return Fail(Status::kInvalid, "loop is NULL: nowhere to store the handle");
    *loop = {};
    creche_loop_options o;
    if (creche_status failed = ReadOptions(options, &o, CRECHE_LOOP_DEBUG, "creche_loop_options"))
      return failed;
    if (o.run > CRECHE_RUN_CALLER)
      return Fail(Status::kUnsupported,
                  "creche_loop_options.run is %u; it is CRECHE_RUN_THREAD or CRECHE_RUN_CALLER",
                  o.run);
    if (o.clock > CRECHE_CLOCK_VIRTUAL)
      return Fail(
          Status::kUnsupported,
          "creche_loop_options.clock is %u; it is CRECHE_CLOCK_REAL or CRECHE_CLOCK_VIRTUAL",
          o.clock);
    if (o.done == creche_to_group)
      return Fail(Status::kInvalid, "a loop belongs to no group; give a function or NULL as done");
    if (o.offload_limit == 0)
      return Fail(Status::kInvalid, "creche_loop_options.offload_limit is 0; at least 1 is needed");
    if (o.stall_after < 0)
      return Fail(Status::kInvalid, "creche_loop_options.stall_after is negative; 0 is off");
    if (o.busy_poll < 0)
      return Fail(Status::kInvalid, "creche_loop_options.busy_poll is negative; 0 is off");
    tasks::LoopOptions opened;
    opened.caller_runs = o.run == CRECHE_RUN_CALLER;
    opened.offload_limit = o.offload_limit;
    opened.virtual_clock = o.clock == CRECHE_CLOCK_VIRTUAL;
    opened.shuffle_seed = o.shuffle_seed;
    opened.context = ToContext(o.context);
    opened.stall_after = o.stall_after;
    opened.busy_poll = o.busy_poll;
    tasks::Hooks hooks;
    if (o.hooks) {
      if (creche_status failed = ReadHooks(o.hooks, &hooks)) return failed;
      opened.hooks = &hooks;
    }
    if (const creche_status failed =
            ReadLog(o.log, (o.flags & CRECHE_LOOP_DEBUG) != 0, &opened.log))
      return failed;
    opened.name = o.name;
    opened.done = o.done == creche_nobody ? nullptr : ToDone(o.done);
    opened.user = o.user;
    int system_errno = 0;
    const Status status = tasks::OpenLoop(opened, &loop->scope.id, &system_errno);
    if (status == Status::kSystem)
      return Fail(status, "the loop could not be opened: %s; %s", strerror(system_errno),
                  SystemAdvice(system_errno));
    return Explained(status, 0, kLoop);
  });
}

creche_status creche_loop_run(creche_loop loop) {
  const platform::NotCancelled here;
  return Guard([&] { return OfRun(tasks::RunLoop(loop.scope.id), loop); });
}

creche_status creche_loop_poll(creche_loop loop, int64_t timeout) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (timeout < 0) return Fail(Status::kInvalid, "timeout is negative");
    return OfRun(tasks::PollLoop(loop.scope.id, timeout), loop);
  });
}

creche_status creche_loop_fd(creche_loop loop, int32_t* fd) {
  return Guard([&]() -> creche_status {
    if (!fd) return Fail(Status::kInvalid, "fd is NULL");
    const Status status = tasks::LoopFd(loop.scope.id, fd);
    if (status == Status::kUnsupported)
      return Fail(status, "the loop's descriptor is not known here; call creche_loop_poll in time");
    return OfRun(status, loop);
  });
}

creche_status creche_loop_next_timeout(creche_loop loop, int64_t* timeout) {
  return Guard([&]() -> creche_status {
    if (!timeout) return Fail(Status::kInvalid, "timeout is NULL");
    return OfRun(tasks::NextTimeout(loop.scope.id, timeout), loop);
  });
}

creche_status creche_loop_post(creche_loop loop, creche_done_fn fn, void* user) {
  return Guard([&]() -> creche_status {
    if (!fn || fn == creche_to_group || fn == creche_nobody)
      return Fail(Status::kInvalid, "fn must be a function of yours");
    return Explained(tasks::PostTo(loop.scope.id, ToDone(fn), user), loop.scope.id, kLoop);
  });
}

creche_status creche_loop_close(creche_loop loop) {
  return Guard([&] { return Explained(tasks::CloseLoop(loop.scope.id), loop.scope.id, kLoop); });
}

creche_status creche_loop_shutdown(creche_loop loop, int64_t grace) {
  return Guard([&]() -> creche_status {
    if (grace < 0) return Fail(Status::kInvalid, "grace is negative");
    return Explained(tasks::ShutdownLoop(loop.scope.id, grace), loop.scope.id, kLoop);
  });
}

creche_status creche_loop_join(creche_loop loop, int64_t timeout) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (timeout < 0) return Fail(Status::kInvalid, "timeout is negative");
    std::string survivors;
    const Status status = tasks::JoinLoop(loop.scope.id, timeout, &survivors);
    if (status == Status::kTimeout)
      return Fail(status, "the loop has not ended in the time allowed; still alive: %s",
                  survivors.c_str());
    if (status == Status::kState)
      return Fail(status, "another thread joins the loop, or runs it, already");
    return Explained(status, loop.scope.id, kLoop);
  });
}

creche_status creche_loop_abandon(creche_loop loop) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    const Status status = tasks::AbandonLoop(loop.scope.id);
    if (status == Status::kState)
      return Fail(status,
                  "only a child of fork() may abandon a loop of its parent; here, close it");
    return Explained(status, loop.scope.id, kLoop);
  });
}

creche_status creche_now(creche_scope scope, int64_t* now) {
  return Guard([&]() -> creche_status {
    if (!now) return Fail(Status::kInvalid, "now is NULL");
    return Started(tasks::ReadClock(scope.id, now), scope);
  });
}

creche_status creche_clock_hold(creche_loop loop) {
  return Guard([&] { return OfClock(tasks::HoldClock(loop.scope.id), loop); });
}

creche_status creche_clock_release(creche_loop loop) {
  return Guard([&] { return OfClock(tasks::ReleaseClock(loop.scope.id), loop); });
}

creche_status creche_clock_advance(creche_loop loop, int64_t duration) {
  return Guard([&]() -> creche_status {
    if (duration < 0)
      return Fail(Status::kInvalid, "duration is negative; a clock never goes back");
    return OfClock(tasks::AdvanceClock(loop.scope.id, duration), loop);
  });
}

creche_status creche_loop_dump(creche_loop loop, uint32_t format, char* buffer, size_t capacity,
                               size_t* size) {
  return Guard([&]() -> creche_status {
    if (format > CRECHE_DUMP_DOT)
      return Fail(Status::kUnsupported,
                  "format is %u; it is CRECHE_DUMP_TEXT, CRECHE_DUMP_JSON or CRECHE_DUMP_DOT",
                  format);
    if (!buffer && capacity > 0)
      return Fail(Status::kInvalid, "buffer is NULL and capacity is not 0");
    std::string text;
    const Status status =
        tasks::DumpLoop(loop.scope.id, static_cast<tasks::DumpFormat>(format), &text);
    if (status != Status::kOk) return Explained(status, loop.scope.id, kLoop);
    if (size) *size = text.size() + 1;
    if (capacity > 0) {
      const size_t n = std::min(capacity - 1, text.size());
      memcpy(buffer, text.data(), n);
      buffer[n] = '\0';
    }
    if (capacity < text.size() + 1)
      return Fail(Status::kLimit, "the dump needs %zu bytes, the buffer has %zu", text.size() + 1,
                  capacity);
    return CRECHE_OK;
  });
}

static_assert(sizeof(creche_histogram) == sizeof(Histogram::Values));
static_assert(offsetof(creche_histogram, buckets) == offsetof(Histogram::Values, buckets));

creche_status creche_loop_get_lag(creche_loop loop, creche_loop_lag* lag, size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(lag, size, "lag")) return failed;
    Histogram::Values turns, callbacks;
    const Status status = tasks::ReadLag(loop.scope.id, &turns, &callbacks);
    if (status != Status::kOk) return Explained(status, loop.scope.id, kLoop);
    creche_loop_lag out{};
    out.size = static_cast<uint32_t>(size);
    memcpy(&out.turns, &turns, sizeof turns);
    memcpy(&out.callbacks, &callbacks, sizeof callbacks);
    StoreSized(out, lag, size);
    return CRECHE_OK;
  });
}

creche_status creche_loop_get_counters(creche_loop loop, creche_loop_counters* counters,
                                       size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(counters, size, "counters")) return failed;
    tasks::LoopCounters c;
    const Status status = tasks::CountLoop(loop.scope.id, &c);
    if (status != Status::kOk) return Explained(status, loop.scope.id, kLoop);
    creche_loop_counters out{};
    out.size = static_cast<uint32_t>(size);
    out.turns = c.turns;
    out.started = c.started;
    out.ended = c.ended;
    out.completions = c.completions;
    out.cancelled = c.cancelled;
    out.unobserved = c.unobserved;
    out.posts = c.posts;
    out.live_tasks = c.live_tasks;
    out.live_groups = c.live_groups;
    out.live_scopes = c.live_scopes;
    out.live_leases = c.live_leases;
    out.longest_callback = c.longest_callback;
    out.stalls = c.stalls;
    out.leaked = c.leaked;
    out.live_handles = c.live_handles;
    out.events_lost = c.events_lost;
    StoreSized(out, counters, size);
    return CRECHE_OK;
  });
}

}  // extern "C"
