// creche/metrics.h: what loops, sessions, pools and groups have counted, added up by their labels,
// and written family by family.
#include <creche/metrics.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "capi/metric_families.h"
#include "capi/object_names.h"
#include "capi/open_close.h"
#include "http/session.h"
#include "pg/pool.h"
#include "tasks/api.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

namespace {

// Adds up all numbers of two counters, timings or lags: behind size and flags they have nothing
// else.
template <class S>
void AddUp(S* to, const S& from) noexcept {
  constexpr size_t kHead = 2 * sizeof(uint32_t);
  static_assert((sizeof(S) - kHead) % sizeof(uint64_t) == 0);
  uint64_t sum, more;
  for (size_t at = kHead; at < sizeof(S); at += sizeof(uint64_t)) {
    char* const place = reinterpret_cast<char*>(to) + at;
    memcpy(&sum, place, sizeof sum);
    memcpy(&more, reinterpret_cast<const char*>(&from) + at, sizeof more);
    sum += more;
    memcpy(place, &sum, sizeof sum);
  }
}

creche_status CountLoop(creche_loop loop, LoopMetrics* sum) {
  creche_loop_counters counters;
  creche_loop_lag lag;
  creche_status failed = creche_loop_get_counters(loop, &counters, sizeof counters);
  if (!failed) failed = creche_loop_get_lag(loop, &lag, sizeof lag);
  if (failed) return failed;
  const uint64_t longest = std::max(counters.longest_callback, sum->counters.longest_callback);
  AddUp(&sum->counters, counters);
  sum->counters.longest_callback = longest;
  AddUp(&sum->lag, lag);
  return CRECHE_OK;
}

// One that goes just now counts nothing any more.
void CountSession(creche_session session, SessionMetrics* sum) noexcept {
  creche_session_counters counters;
  creche_session_timings timings;
  if (creche_session_get_counters(session, &counters, sizeof counters) ||
      creche_session_get_timings(session, &timings, sizeof timings))
    return;
  AddUp(&sum->counters, counters);
  AddUp(&sum->timings, timings);
}

void CountPool(creche_pool pool, PoolMetrics* sum) noexcept {
  creche_pool_counters counters;
  creche_pool_timings timings;
  if (creche_pool_get_counters(pool, &counters, sizeof counters) ||
      creche_pool_get_timings(pool, &timings, sizeof timings))
    return;
  AddUp(&sum->counters, counters);
  AddUp(&sum->timings, timings);
}

void CountObjects(const Loop& loop, const std::string& name, Metrics* metrics) {
  std::vector<ObjectsOf::One> found;
  for (size_t n = ObjectsOf::Find(loop, nullptr, 0); n > found.size();) {
    found.resize(n);
    n = ObjectsOf::Find(loop, found.data(), found.size());
    if (n <= found.size()) found.resize(n);
  }
  for (const ObjectsOf::One& one : found) {
    const Kind kind = KindOf(one.id);
    if (kind == Kind::kSession)
      CountSession({one.id}, &metrics->sessions[{name, NameOfObject(one.id)}]);
    else if (kind == Kind::kPool)
      CountPool({one.id}, &metrics->pools[{name, NameOfObject(one.id)}]);
  }
}

creche_status Count(creche_loop loop, Metrics* metrics) {
  Status status;
  std::string name;
  std::map<std::string, tasks::GroupCount> groups;
  const Ref<Loop> found = tasks::FindLoop(loop.scope.id, &status);
  if (found) status = tasks::CountGroups(loop.scope.id, &name, &groups);
  if (status != Status::kOk) return Explained(status, loop.scope.id, "a loop");
  for (const auto& [group, count] : groups) {
    tasks::GroupCount& sum = metrics->groups[{name, group}];
    sum.groups += count.groups;
    sum.children += count.children;
    sum.waiting += count.waiting;
    sum.oldest = std::max(sum.oldest, count.oldest);
  }
  CountObjects(*found, name, metrics);
  return CountLoop(loop, &metrics->loops[name]);
}

template <class T>
creche_status SetName(uint64_t id, const char* name) noexcept {
  return Guard([&] {
    creche_status failed = CRECHE_OK;
    if (Find<T>(id, &failed)) NameObject(id, name);
    return failed;
  });
}

}  // namespace
}  // namespace creche::capi

extern "C" {

creche_status creche_session_set_name(creche_session session, const char* name) {
  return SetName<http::Session>(session.id, name);
}

creche_status creche_pool_set_name(creche_pool pool, const char* name) {
  return SetName<pg::Pool>(pool.id, name);
}

creche_status creche_write_metrics(const creche_loop* loops, size_t count, uint32_t format,
                                   char* buffer, size_t capacity, size_t* size) {
  return Guard([&]() -> creche_status {
    if (format > CRECHE_METRICS_PROMETHEUS)
      return Fail(Status::kUnsupported, "format is %u; it is CRECHE_METRICS_PROMETHEUS", format);
    if (!loops && count > 0) return Fail(Status::kInvalid, "loops is NULL and count is not 0");
    if (!buffer && capacity > 0)
      return Fail(Status::kInvalid, "buffer is NULL and capacity is not 0");
    Metrics metrics;
    for (size_t i = 0; i < count; i++)
      if (const creche_status failed = Count(loops[i], &metrics)) return failed;
    std::string text;
    WriteFamilies(metrics, &text);
    if (size) *size = text.size() + 1;
    if (capacity > 0) {
      const size_t n = std::min(capacity - 1, text.size());
      memcpy(buffer, text.data(), n);
      buffer[n] = '\0';
    }
    if (capacity < text.size() + 1)
      return Fail(Status::kLimit, "the metrics need %zu bytes, the buffer has %zu", text.size() + 1,
                  capacity);
    return CRECHE_OK;
  });
}

}  // extern "C"
