// creche/listen.h: LISTEN.
#include <creche/pg.h>

#include <cstring>
#include <memory>
#include <string>

#include "capi/options.h"
#include "capi/pg_find.h"
#include "capi/start_args.h"
#include "pg/op/listen_operation.h"
#include "pg/sql/quoted.h"

using namespace creche;
using namespace creche::capi;

// Twins.
static_assert(sizeof(creche_notification) == sizeof(pg::Notification) &&
              offsetof(creche_notification, dropped) == offsetof(pg::Notification, dropped) &&
              offsetof(creche_notification, payload_size) ==
                  offsetof(pg::Notification, payload_size));
static_assert(static_cast<int>(CRECHE_LISTEN_GAP) == pg::Notification::kGap);

namespace creche::capi {

template <>
creche_listen_options Defaults() noexcept {
  const pg::ListenOptions d;
  creche_listen_options o{};
  o.size = sizeof o;
  o.max_held = d.max_held;
  o.heartbeat = d.heartbeat;
  return o;
}

namespace {

// LISTEN "a"; LISTEN "b": names as they are, with quotes doubled.
creche_status ListenText(const char* const* channels, size_t count, std::string* sql) {
  if (!channels || count == 0) return Fail(Status::kInvalid, "no channel to listen on");
  for (size_t i = 0; i < count; i++) {
    const size_t length = channels[i] ? strlen(channels[i]) : 0;
    if (length == 0 || length > pg::kLongestName)
      return Fail(Status::kInvalid, "channel %zu: a name has 1 to %zu bytes, not %zu", i,
                  pg::kLongestName, length);
    *sql += "LISTEN " + pg::QuotedName(channels[i]) + ";";
  }
  return CRECHE_OK;
}

}  // namespace
}  // namespace creche::capi

extern "C" {

creche_status creche_listen_options_init(creche_listen_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_pool_listen(creche_pool pool, creche_scope in, const char* const* channels,
                                 size_t count, const creche_listen_options* given,
                                 creche_done_fn done, void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    auto use = UsePool(pool, &failed);
    if (!use) return failed;
    creche_listen_options o;
    if ((failed = ReadOptions(given, &o, 0, "creche_listen_options"))) return failed;
    if (o.reserved != 0)
      return Fail(Status::kUnsupported, "creche_listen_options.reserved is not 0");
    if (o.max_held == 0 || o.heartbeat <= 0)
      return Fail(Status::kInvalid,
                  "max_held and heartbeat must be more than 0: call creche_listen_options_init "
                  "first (CRECHE_NEVER: no heartbeat)");
    std::string sql;
    if ((failed = ListenText(channels, count, &sql))) return failed;
    StartArgsReader reader;
    if ((failed = reader.Read(in, o.task, done, user, task))) return failed;
    const auto loop = Ref<Loop>::Share(&(*use)->loop());
    auto operation = std::make_unique<pg::ListenOperation>(
        std::move(*use), sql, pg::ListenOptions{.max_held = o.max_held, .heartbeat = o.heartbeat});
    return Started(tasks::StartOperation(*loop, reader.args, std::move(operation)), in);
  });
}

}  // extern "C"
