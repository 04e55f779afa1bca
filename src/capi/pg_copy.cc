// creche/copy.h: COPY.
#include <creche/pg.h>

#include <memory>

#include "capi/options.h"
#include "capi/pg_find.h"
#include "capi/start_args.h"
#include "pg/op/copy_in_operation.h"
#include "pg/op/copy_out_operation.h"
#include "pg/op/copy_rows_operation.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_copy_options Defaults() noexcept {
  const pg::CopyOptions d;
  creche_copy_options o{};
  o.size = sizeof o;
  o.chunk_bytes = d.chunk_bytes;
  o.chunks = d.chunks;
  return o;
}

namespace {

enum class Way { kIn, kOut, kRows };

// Where it runs has been found; the rest is the same for pools and connections.
creche_status StartCopy(pg::Connectable on, Way way, creche_scope in, const char* sql,
                        const creche_copy_options* given, creche_done_fn done, void* user,
                        creche_task* task) {
  creche_copy_options o = Defaults<creche_copy_options>();
  if (given)
    if (creche_status failed = ReadOptions(given, &o, 0, "creche_copy_options")) return failed;
  if (o.chunk_bytes == 0 || o.chunks == 0)
    return Fail(Status::kInvalid,
                "chunk_bytes and chunks must not be 0: call creche_copy_options_init first");
  if (!sql) return Fail(Status::kInvalid, "sql is NULL");
  if (way != Way::kOut && (done == creche_to_group || done == creche_nobody))
    return Fail(Status::kInvalid,
                "what is copied is asked for: give a function, or NULL and a queue");
  StartArgsReader reader;
  if (creche_status failed = reader.Read(in, o.task, done, user, task)) return failed;
  Loop& loop = on.loop();
  const auto keep = Ref<Loop>::Share(&loop);
  std::unique_ptr<tasks::Operation> operation;
  if (way == Way::kRows) {
    pg::CopyStatement copy;
    ErrorRef unfit = pg::ReadCopyStatement(sql, &copy);
    operation = std::make_unique<pg::CopyRowsOperation>(std::move(on), copy, std::move(unfit));
    return Started(tasks::StartOperation(loop, reader.args, std::move(operation)), in);
  }
  pg::Statement statement(sql, nullptr, 0);
  if (way == Way::kIn)
    operation = std::make_unique<pg::CopyInOperation>(std::move(on), std::move(statement));
  else
    operation = std::make_unique<pg::CopyOutOperation>(
        std::move(on), std::move(statement),
        pg::CopyOptions{.chunk_bytes = o.chunk_bytes, .chunks = o.chunks});
  return Started(tasks::StartOperation(loop, reader.args, std::move(operation)), in);
}

creche_status OnPool(creche_pool pool, Way way, creche_scope in, const char* sql,
                     const creche_copy_options* options, creche_done_fn done, void* user,
                     creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    auto use = UsePool(pool, &failed);
    if (!use) return failed;
    return StartCopy(pg::Connectable(std::move(*use)), way, in, sql, options, done, user, task);
  });
}

creche_status OnConnection(creche_connection connection, Way way, creche_scope in, const char* sql,
                           const creche_copy_options* options, creche_done_fn done, void* user,
                           creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    Ref<pg::ConnectionLease> found = FindConnection(connection, &failed);
    if (!found) return failed;
    return StartCopy(pg::Connectable(std::move(found)), way, in, sql, options, done, user, task);
  });
}

}  // namespace
}  // namespace creche::capi

extern "C" {

creche_status creche_copy_options_init(creche_copy_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_pool_copy_out(creche_pool pool, creche_scope in, const char* sql,
                                   const creche_copy_options* options, creche_done_fn done,
                                   void* user, creche_task* task) {
  return OnPool(pool, Way::kOut, in, sql, options, done, user, task);
}

creche_status creche_connection_copy_out(creche_connection connection, creche_scope in,
                                         const char* sql, const creche_copy_options* options,
                                         creche_done_fn done, void* user, creche_task* task) {
  return OnConnection(connection, Way::kOut, in, sql, options, done, user, task);
}

creche_status creche_pool_copy_in(creche_pool pool, creche_scope in, const char* sql,
                                  const creche_copy_options* options, creche_done_fn done,
                                  void* user, creche_task* task) {
  return OnPool(pool, Way::kIn, in, sql, options, done, user, task);
}

creche_status creche_connection_copy_in(creche_connection connection, creche_scope in,
                                        const char* sql, const creche_copy_options* options,
                                        creche_done_fn done, void* user, creche_task* task) {
  return OnConnection(connection, Way::kIn, in, sql, options, done, user, task);
}

creche_status creche_pool_copy_rows(creche_pool pool, creche_scope in, const char* sql,
                                    const creche_copy_options* options, creche_done_fn done,
                                    void* user, creche_task* task) {
  return OnPool(pool, Way::kRows, in, sql, options, done, user, task);
}

creche_status creche_connection_copy_rows(creche_connection connection, creche_scope in,
                                          const char* sql, const creche_copy_options* options,
                                          creche_done_fn done, void* user, creche_task* task) {
  return OnConnection(connection, Way::kRows, in, sql, options, done, user, task);
}

}  // extern "C"
