// What is counted of loops, sessions, pools and groups, by their labels, and the families that tell
// it.
#pragma once
#include <creche/http.h>
#include <creche/loop.h>
#include <creche/pg.h>

#include <map>
#include <string>
#include <utility>

#include "tasks/dump/groups.h"

namespace creche::capi {

struct LoopMetrics {
  creche_loop_counters counters{};
  creche_loop_lag lag{};
};
struct SessionMetrics {
  creche_session_counters counters{};
  creche_session_timings timings{};
};
struct PoolMetrics {
  creche_pool_counters counters{};
  creche_pool_timings timings{};
};
struct Metrics {
  using InLoop = std::pair<std::string, std::string>;  // the loop's name, its own
  std::map<std::string, LoopMetrics> loops;
  std::map<InLoop, SessionMetrics> sessions;
  std::map<InLoop, PoolMetrics> pools;
  std::map<InLoop, tasks::GroupCount> groups;
};

// As text for Prometheus. May throw bad_alloc.
void WriteFamilies(const Metrics& metrics, std::string* out);

}  // namespace creche::capi
