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

extern "C" {

creche_status creche_pool_execute_many(creche_pool pool, creche_scope in, const char* sql,
                                       const creche_value* args, size_t args_count, size_t rows,
                                       const creche_query_options* given, creche_done_fn done,
                                       void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    auto use = UsePool(pool, &failed);
    if (!use) return failed;
    pg::QueryOptions options;
    const creche_task_options* task_options;
    if ((failed = ReadQuery(given, &options, &task_options))) return failed;
    if ((failed = CheckSql(sql, args, rows > 0 ? args_count : 0))) return failed;
    StartArgsReader reader;
    if ((failed = reader.Read(in, task_options, done, user, task))) return failed;
    const auto loop = Ref<Loop>::Share(&(*use)->loop());
    const auto text = (*use)->texts().Get(sql);
    std::vector<pg::Statement> statements;
    if (rows > statements.max_size())
      return Fail(Status::kInvalid, "rows is %zu: more than there can be in memory", rows);
    statements.reserve(rows);
    for (size_t row = 0; row < rows; row++)
      statements.emplace_back(text, reinterpret_cast<const pg::Value*>(args) + row * args_count,
                              args_count);
    auto operation = std::make_unique<pg::ExecuteManyOperation>(
        std::move(*use), std::move(statements), options.prepare);
    return Started(tasks::StartOperation(*loop, reader.args, std::move(operation)), in);
  });
}

}  // extern "C"
