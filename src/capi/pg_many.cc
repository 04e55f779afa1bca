// creche/pg.h: one statement, many rows of parameters.
#include <creche/pg.h>

#include <memory>
#include <vector>

#include "capi/pg_find.h"
#include "capi/pg_options.h"
#include "capi/start_args.h"
#include "pg/op/execute_many_operation.h"

using namespace creche;
using namespace creche::capi;

namespace {

creche_status StartMany(pg::Connectable on, creche_scope in, const char* sql,
                        const creche_value* args, size_t args_count, size_t rows,
                        const creche_query_options* given, creche_done_fn done, void* user,
                        creche_task* task) {
  pg::QueryOptions options;
  const creche_task_options* task_options;
  creche_status failed = ReadQuery(given, &options, &task_options, CRECHE_QUERY_COLLECT);
  if (failed) return failed;
  if ((failed = CheckSql(sql, args, rows > 0 ? args_count : 0))) return failed;
  StartArgsReader reader;
  if ((failed = reader.Read(in, task_options, done, user, task))) return failed;
  reader.DefaultTimeout(on.pool().command_timeout());
  Loop& loop = on.loop();
  const auto keep = Ref<Loop>::Share(&loop);
  std::string numbered;
  if ((failed = ReadNames(options.names, args_count, &sql, &numbered))) return failed;
  const auto text = on.pool().texts().Get(sql);
  std::vector<pg::Statement> statements;
  if (rows > statements.max_size())
    return Fail(Status::kInvalid, "rows is %zu: more than there can be in memory", rows);
  statements.reserve(rows);
  for (size_t row = 0; row < rows; row++)
    statements.emplace_back(text, reinterpret_cast<const pg::Value*>(args) + row * args_count,
                            args_count);
  auto operation = std::make_unique<pg::ExecuteManyOperation>(
      std::move(on), std::move(statements),
      pg::ManyOptions{.collect = options.collect, .max_bytes = options.max_bytes});
  return Started(tasks::StartOperation(loop, reader.args, std::move(operation)), in);
}

creche_status StartPulled(pg::Connectable on, creche_scope in, const char* sql,
                          const creche_query_options* given, creche_done_fn done, void* user,
                          creche_task* task) {
  pg::QueryOptions options;
  const creche_task_options* task_options;
  creche_status failed = ReadQuery(given, &options, &task_options, CRECHE_QUERY_COLLECT);
  if (failed) return failed;
  if ((failed = CheckSql(sql, nullptr, 0))) return failed;
  if (options.names)
    return Fail(Status::kInvalid, "rows that are asked for have numbers ($1, ...), and no names");
  if (done == creche_to_group || done == creche_nobody)
    return Fail(Status::kInvalid, "rows are asked for: give a function, or NULL and a queue");
  StartArgsReader reader;
  if ((failed = reader.Read(in, task_options, done, user, task))) return failed;
  reader.DefaultTimeout(on.pool().command_timeout());
  Loop& loop = on.loop();
  const auto keep = Ref<Loop>::Share(&loop);
  auto text = on.pool().texts().Get(sql);
  auto operation = std::make_unique<pg::ExecuteManyOperation>(
      std::move(on), std::move(text),
      pg::ManyOptions{.collect = options.collect, .max_bytes = options.max_bytes});
  return Started(tasks::StartOperation(loop, reader.args, std::move(operation)), in);
}

}  // namespace

extern "C" {

creche_status creche_pool_execute_rows(creche_pool pool, creche_scope in, const char* sql,
                                       const creche_query_options* options, creche_done_fn done,
                                       void* user, creche_task* task) {
  return OnPool(pool, task, [&](pg::Connectable on) {
    return StartPulled(std::move(on), in, sql, options, done, user, task);
  });
}

creche_status creche_connection_execute_rows(creche_connection connection, creche_scope in,
                                             const char* sql, const creche_query_options* options,
                                             creche_done_fn done, void* user, creche_task* task) {
  return OnConnection(connection, task, [&](pg::Connectable on) {
    return StartPulled(std::move(on), in, sql, options, done, user, task);
  });
}

creche_status creche_pool_execute_many(creche_pool pool, creche_scope in, const char* sql,
                                       const creche_value* args, size_t args_count, size_t rows,
                                       const creche_query_options* options, creche_done_fn done,
                                       void* user, creche_task* task) {
  return OnPool(pool, task, [&](pg::Connectable on) {
    return StartMany(std::move(on), in, sql, args, args_count, rows, options, done, user, task);
  });
}

creche_status creche_connection_execute_many(creche_connection connection, creche_scope in,
                                             const char* sql, const creche_value* args,
                                             size_t args_count, size_t rows,
                                             const creche_query_options* options,
                                             creche_done_fn done, void* user, creche_task* task) {
  return OnConnection(connection, task, [&](pg::Connectable on) {
    return StartMany(std::move(on), in, sql, args, args_count, rows, options, done, user, task);
  });
}

}  // extern "C"
