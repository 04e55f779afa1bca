// creche/pg.h: what is changed of a pool while it is used, and what it counts.
#include <creche/pg.h>

#include <cstring>

#include "capi/open_close.h"
#include "capi/options.h"
#include "capi/pg_find.h"
#include "capi/pg_options.h"

using namespace creche;
using namespace creche::capi;

namespace {

void Read(const Histogram& histogram, creche_histogram* into) noexcept {
  Histogram::Values values;
  static_assert(sizeof values == sizeof *into);
  histogram.Read(&values);
  memcpy(into, &values, sizeof values);
}

}  // namespace

extern "C" {

creche_status creche_pool_resize(creche_pool pool, uint32_t min_size, uint32_t max_size) {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    Ref<pg::Pool> found = Find<pg::Pool>(pool.id, &failed);
    if (!found) return failed;
    if ((failed = CheckPoolSize(min_size, max_size))) return failed;
    return found->Resize(min_size, max_size) ? CRECHE_OK
                                             : Fail(Status::kClosed, "the pool is closed");
  });
}

creche_status creche_pool_expire(creche_pool pool) {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    Ref<pg::Pool> found = Find<pg::Pool>(pool.id, &failed);
    if (!found) return failed;
    return found->Expire() ? CRECHE_OK : Fail(Status::kClosed, "the pool is closed");
  });
}

creche_status creche_connection_expire(creche_connection connection) {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    if (const auto found = Find<pg::ConnectionLease>(connection.id, &failed)) found->Expire();
    return failed;
  });
}

creche_status creche_pool_get_counters(creche_pool pool, creche_pool_counters* counters,
                                       size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(counters, size, "counters")) return failed;
    creche_status failed = CRECHE_OK;
    Ref<pg::Pool> found = Find<pg::Pool>(pool.id, &failed);
    if (!found) return failed;
    const pg::Counters& c = found->counters();
    creche_pool_counters filled{};
    filled.size = static_cast<uint32_t>(size);
    filled.connections = c.connections.get();
    filled.idle = c.idle.get();
    filled.leased = c.leased.get();
    filled.waiting = c.waiting.get();
    filled.connects = c.connects.get();
    filled.statements = c.statements.get();
    filled.pipelined = c.pipelined.get();
    filled.prepares = c.prepares.get();
    filled.cancels = c.cancels.get();
    filled.resent = c.resent.get();
    filled.dropped = c.dropped.get();
    filled.acquires = c.acquires.get();
    filled.empty_acquires = c.empty_acquires.get();
    filled.cancelled_acquires = c.cancelled_acquires.get();
    filled.waited = c.waited.get();
    filled.min_size = found->min_size();
    filled.max_size = found->max_size();
    filled.connecting = c.connecting.get();
    filled.connect_failures = c.connect_failures.get();
    filled.refused_acquires = c.refused.get();
    filled.timed_out_acquires = c.timed_out.get();
    filled.retired = c.retired.get();
    StoreSized(filled, counters, size);
    return CRECHE_OK;
  });
}

creche_status creche_pool_get_timings(creche_pool pool, creche_pool_timings* timings, size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(timings, size, "timings")) return failed;
    creche_status failed = CRECHE_OK;
    Ref<pg::Pool> found = Find<pg::Pool>(pool.id, &failed);
    if (!found) return failed;
    creche_pool_timings t{};
    t.size = static_cast<uint32_t>(size);
    Read(found->counters().acquire, &t.acquire);
    Read(found->counters().connect, &t.connect);
    Read(found->counters().query, &t.query);
    StoreSized(t, timings, size);
    return CRECHE_OK;
  });
}

}  // extern "C"
