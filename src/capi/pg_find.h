// Pools and connections that take work.
#pragma once
#include <creche/pg.h>

#include <optional>

#include "capi/open_close.h"
#include "pg/connection_lease.h"
#include "pg/op/connectable.h"
#include "pg/pool.h"

namespace creche::capi {

// For an operation on it, if it takes work: from now on a close waits for the operation's end.
inline std::optional<tasks::ResidentUse<pg::Pool>> UsePool(creche_pool pool,
                                                           creche_status* failed) {
  Ref<pg::Pool> found = Find<pg::Pool>(pool.id, failed);
  if (!found) return std::nullopt;
  tasks::ResidentUse<pg::Pool> use(std::move(found));
  if (!use->closing()) return use;
  *failed = Fail(Status::kClosed, "the pool is closed");
  return std::nullopt;
}

inline Ref<pg::ConnectionLease> FindConnection(creche_connection connection,
                                               creche_status* failed) {
  auto found = Find<pg::ConnectionLease>(connection.id, failed);
  if (!found || !found->pool().closing()) return found;
  *failed = Fail(Status::kClosed, "the connection's pool is closed");
  return nullptr;
}

// start(pg::Connectable): starts an operation there.
template <class Start>
creche_status OnPool(creche_pool pool, creche_task* task, Start start) noexcept {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    auto use = UsePool(pool, &failed);
    return use ? start(pg::Connectable(std::move(*use))) : failed;
  });
}

template <class Start>
creche_status OnConnection(creche_connection connection, creche_task* task, Start start) noexcept {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    Ref<pg::ConnectionLease> found = FindConnection(connection, &failed);
    return found ? start(pg::Connectable(std::move(found))) : failed;
  });
}

}  // namespace creche::capi
