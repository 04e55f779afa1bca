#include "capi/metric_families.h"

#include <cstring>

#include "capi/prometheus.h"

namespace creche::capi {

namespace {

using Type = PrometheusText::Type;
constexpr Type kCounter = Type::kCounter, kGauge = Type::kGauge;

// A family of numbers, one for each row.
template <class Row>
struct NumberFamily {
  const char* name;
  Type type;
  const char* help;
  uint64_t (*value)(const Row&);
  bool seconds = false;  // the value is nanoseconds
};
template <class Row>
struct TimesFamily {
  const char* name;
  const char* help;
  const creche_histogram& (*value)(const Row&);
};

#define CRECHE_OF(row, field) [](const row& r) -> uint64_t { return r.field; }
#define CRECHE_TIMES(row, field) [](const row& r) -> const creche_histogram& { return r.field; }

constexpr NumberFamily<LoopMetrics> kLoops[] = {
    {"creche_loop_turns_total", kCounter, "Turns of the loop.",
     CRECHE_OF(LoopMetrics, counters.turns)},
    {"creche_loop_started_total", kCounter, "Tasks and groups that were started.",
     CRECHE_OF(LoopMetrics, counters.started)},
    {"creche_loop_ended_total", kCounter, "Tasks and groups that have ended.",
     CRECHE_OF(LoopMetrics, counters.ended)},
    {"creche_loop_completions_total", kCounter, "Completions that were delivered.",
     CRECHE_OF(LoopMetrics, counters.completions)},
    {"creche_loop_cancelled_total", kCounter, "Tasks that ended because they were cancelled.",
     CRECHE_OF(LoopMetrics, counters.cancelled)},
    {"creche_loop_unobserved_failures_total", kCounter,
     "Failures of root tasks that nobody was told of.",
     CRECHE_OF(LoopMetrics, counters.unobserved)},
    {"creche_loop_posts_total", kCounter, "Functions that were posted.",
     CRECHE_OF(LoopMetrics, counters.posts)},
    {"creche_loop_stalls_total", kCounter, "Reports of callbacks that blocked the loop.",
     CRECHE_OF(LoopMetrics, counters.stalls)},
    {"creche_loop_leaked_total", kCounter, "Groups and scopes that only a loop's end closed.",
     CRECHE_OF(LoopMetrics, counters.leaked)},
    {"creche_loop_events_lost_total", kCounter, "Events that no memory was there for.",
     CRECHE_OF(LoopMetrics, counters.events_lost)},
    {"creche_loop_tasks", kGauge, "Tasks that live.", CRECHE_OF(LoopMetrics, counters.live_tasks)},
    {"creche_loop_groups", kGauge, "Groups that are open.",
     CRECHE_OF(LoopMetrics, counters.live_groups)},
    {"creche_loop_scopes", kGauge, "Scopes that are open.",
     CRECHE_OF(LoopMetrics, counters.live_scopes)},
    {"creche_loop_leases", kGauge, "Connections, unfinished responses and tokens that are held.",
     CRECHE_OF(LoopMetrics, counters.live_leases)},
    {"creche_loop_handles", kGauge, "Handles that were not released.",
     CRECHE_OF(LoopMetrics, counters.live_handles)},
    {"creche_loop_longest_callback_seconds", kGauge, "The longest callback so far.",
     CRECHE_OF(LoopMetrics, counters.longest_callback), true},
};
constexpr TimesFamily<LoopMetrics> kLoopTimes[] = {
    {"creche_loop_turn_seconds", "The work of each turn.", CRECHE_TIMES(LoopMetrics, lag.turns)},
    {"creche_loop_callback_seconds", "The longest callback of each turn.",
     CRECHE_TIMES(LoopMetrics, lag.callbacks)},
};

constexpr NumberFamily<tasks::GroupCount> kGroups[] = {
    {"creche_group_open", kGauge, "Groups of that name that are open.",
     CRECHE_OF(tasks::GroupCount, groups)},
    {"creche_group_children", kGauge, "Tasks, scopes and groups in them.",
     CRECHE_OF(tasks::GroupCount, children)},
    {"creche_group_waiting", kGauge, "Of these, waiting for the limit.",
     CRECHE_OF(tasks::GroupCount, waiting)},
    {"creche_group_oldest_seconds", kGauge, "The age of the oldest.",
     [](const tasks::GroupCount& r) { return static_cast<uint64_t>(r.oldest > 0 ? r.oldest : 0); },
     true},
};

constexpr NumberFamily<SessionMetrics> kSessions[] = {
    {"creche_http_requests_total", kCounter, "Requests.",
     CRECHE_OF(SessionMetrics, counters.requests)},
    {"creche_http_connects_total", kCounter, "Connections that were opened.",
     CRECHE_OF(SessionMetrics, counters.connects)},
    {"creche_http_reuses_total", kCounter, "Requests on a connection that was kept.",
     CRECHE_OF(SessionMetrics, counters.reuses)},
    {"creche_http_stale_retries_total", kCounter, "Kept connections that turned out dead.",
     CRECHE_OF(SessionMetrics, counters.retries)},
    {"creche_http_retries_total", kCounter, "Attempts of retry policies after the first.",
     CRECHE_OF(SessionMetrics, counters.attempts)},
    {"creche_http_retries_denied_total", kCounter, "Attempts that a spent budget has denied.",
     CRECHE_OF(SessionMetrics, counters.retries_denied)},
    {"creche_http_dns_lookups_total", kCounter, "Names that were looked up.",
     CRECHE_OF(SessionMetrics, counters.dns_lookups)},
    {"creche_http_sent_bytes_total", kCounter, "Bytes sent.",
     CRECHE_OF(SessionMetrics, counters.bytes_sent)},
    {"creche_http_received_bytes_total", kCounter, "Bytes received.",
     CRECHE_OF(SessionMetrics, counters.bytes_received)},
    {"creche_http_active_connections", kGauge, "Connections in use.",
     CRECHE_OF(SessionMetrics, counters.active)},
    {"creche_http_idle_connections", kGauge, "Connections that are kept.",
     CRECHE_OF(SessionMetrics, counters.idle)},
    {"creche_http_waiting_requests", kGauge, "Requests that wait for a connection.",
     CRECHE_OF(SessionMetrics, counters.waiting)},
};
constexpr TimesFamily<SessionMetrics> kSessionTimes[] = {
    {"creche_http_pool_wait_seconds", "The wait for a connection, of requests that had to.",
     CRECHE_TIMES(SessionMetrics, timings.pool)},
    {"creche_http_dns_seconds", "Looking up the name of a new connection.",
     CRECHE_TIMES(SessionMetrics, timings.dns)},
    {"creche_http_connect_seconds", "Connecting, by TCP.",
     CRECHE_TIMES(SessionMetrics, timings.connect)},
    {"creche_http_tls_seconds", "Handshakes of TLS.", CRECHE_TIMES(SessionMetrics, timings.tls)},
    {"creche_http_first_byte_seconds", "From the end of sending to the first byte of the answer.",
     CRECHE_TIMES(SessionMetrics, timings.first_byte)},
    {"creche_http_request_seconds", "From the call to the end of the body.",
     CRECHE_TIMES(SessionMetrics, timings.total)},
};

constexpr NumberFamily<PoolMetrics> kPools[] = {
    {"creche_pg_connects_total", kCounter, "Connections that were opened.",
     CRECHE_OF(PoolMetrics, counters.connects)},
    {"creche_pg_connect_failures_total", kCounter, "Attempts to connect that have failed.",
     CRECHE_OF(PoolMetrics, counters.connect_failures)},
    {"creche_pg_dropped_total", kCounter, "Connections given up after a failure.",
     CRECHE_OF(PoolMetrics, counters.dropped)},
    {"creche_pg_retired_total", kCounter, "Connections closed for age, uses, idleness or a resize.",
     CRECHE_OF(PoolMetrics, counters.retired)},
    {"creche_pg_statements_total", kCounter, "Statements sent.",
     CRECHE_OF(PoolMetrics, counters.statements)},
    {"creche_pg_pipelined_total", kCounter, "Of these, behind another one in flight.",
     CRECHE_OF(PoolMetrics, counters.pipelined)},
    {"creche_pg_prepares_total", kCounter, "Statements prepared.",
     CRECHE_OF(PoolMetrics, counters.prepares)},
    {"creche_pg_cancels_total", kCounter, "Cancel requests sent.",
     CRECHE_OF(PoolMetrics, counters.cancels)},
    {"creche_pg_resent_total", kCounter, "Statements run again after somebody else's cancel.",
     CRECHE_OF(PoolMetrics, counters.resent)},
    {"creche_pg_acquires_total", kCounter, "Connections given to an operation.",
     CRECHE_OF(PoolMetrics, counters.acquires)},
    {"creche_pg_empty_acquires_total", kCounter, "Of these, after a wait.",
     CRECHE_OF(PoolMetrics, counters.empty_acquires)},
    {"creche_pg_acquire_wait_seconds_total", kCounter, "What those have waited, together.",
     CRECHE_OF(PoolMetrics, counters.waited), true},
    {"creche_pg_cancelled_acquires_total", kCounter, "Operations cancelled while they waited.",
     CRECHE_OF(PoolMetrics, counters.cancelled_acquires)},
    {"creche_pg_refused_acquires_total", kCounter, "Operations over max_waiting.",
     CRECHE_OF(PoolMetrics, counters.refused_acquires)},
    {"creche_pg_timed_out_acquires_total", kCounter, "Operations over acquire_timeout.",
     CRECHE_OF(PoolMetrics, counters.timed_out_acquires)},
    {"creche_pg_connections", kGauge, "Connections that are open.",
     CRECHE_OF(PoolMetrics, counters.connections)},
    {"creche_pg_idle_connections", kGauge, "Of these, idle ones.",
     CRECHE_OF(PoolMetrics, counters.idle)},
    {"creche_pg_leased_connections", kGauge, "Of these, held by somebody.",
     CRECHE_OF(PoolMetrics, counters.leased)},
    {"creche_pg_opening_connections", kGauge, "Connections on their way.",
     CRECHE_OF(PoolMetrics, counters.connecting)},
    {"creche_pg_waiting", kGauge, "Operations that wait for a connection.",
     CRECHE_OF(PoolMetrics, counters.waiting)},
    {"creche_pg_min_connections", kGauge, "Connections that are kept open.",
     CRECHE_OF(PoolMetrics, counters.min_size)},
    {"creche_pg_max_connections", kGauge, "Connections at the most.",
     CRECHE_OF(PoolMetrics, counters.max_size)},
};
constexpr TimesFamily<PoolMetrics> kPoolTimes[] = {
    {"creche_pg_acquire_seconds", "The wait for a connection, of operations that had to.",
     CRECHE_TIMES(PoolMetrics, timings.acquire)},
    {"creche_pg_connect_seconds", "From the beginning of a connection to its first use.",
     CRECHE_TIMES(PoolMetrics, timings.connect)},
    {"creche_pg_query_seconds", "The server's work on each command.",
     CRECHE_TIMES(PoolMetrics, timings.query)},
};

// with_labels(key, write): calls write(MetricLabels).
template <class Row, class Rows, class WithLabels, size_t kN>
void WriteNumbers(const NumberFamily<Row> (&families)[kN], const Rows& rows, WithLabels with_labels,
                  PrometheusText* text) {
  if (rows.empty()) return;
  for (const NumberFamily<Row>& family : families) {
    text->Family(family.name, family.type, family.help);
    for (const auto& [key, row] : rows)
      with_labels(key, [&, &row = row](MetricLabels labels) {
        if (family.seconds)
          text->Seconds(labels, family.value(row));
        else
          text->Number(labels, family.value(row));
      });
  }
}

template <class Row, class Rows, class WithLabels, size_t kN>
void WriteTimes(const TimesFamily<Row> (&families)[kN], const Rows& rows, WithLabels with_labels,
                PrometheusText* text) {
  if (rows.empty()) return;
  for (const TimesFamily<Row>& family : families) {
    text->Family(family.name, Type::kHistogram, family.help);
    for (const auto& [key, row] : rows)
      with_labels(key, [&, &row = row](MetricLabels labels) {
        Histogram::Values values;
        static_assert(sizeof values == sizeof(creche_histogram));
        memcpy(&values, &family.value(row), sizeof values);
        text->Times(labels, values);
      });
  }
}

}  // namespace

void WriteFamilies(const Metrics& metrics, std::string* out) {
  PrometheusText text(out);
  const auto of_loop = [](const std::string& name, auto write) { write({{"loop", name}}); };
  const auto inside = [](const char* what) {
    return [what](const Metrics::InLoop& key, auto write) {
      write({{"loop", key.first}, {what, key.second}});
    };
  };
  WriteNumbers(kLoops, metrics.loops, of_loop, &text);
  WriteTimes(kLoopTimes, metrics.loops, of_loop, &text);
  WriteNumbers(kGroups, metrics.groups, inside("group"), &text);
  WriteNumbers(kSessions, metrics.sessions, inside("session"), &text);
  WriteTimes(kSessionTimes, metrics.sessions, inside("session"), &text);
  WriteNumbers(kPools, metrics.pools, inside("pool"), &text);
  WriteTimes(kPoolTimes, metrics.pools, inside("pool"), &text);
}

}  // namespace creche::capi
