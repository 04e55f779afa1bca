// creche/batch.h: several statements in one go; what a statement looks like.
#include <creche/pg.h>

#include <cstring>
#include <memory>
#include <vector>

#include "capi/options.h"
#include "capi/pg_find.h"
#include "capi/pg_options.h"
#include "capi/start_args.h"
#include "pg/op/batch_operation.h"
#include "pg/op/describe_operation.h"

using namespace creche;
using namespace creche::capi;

// Twins.
static_assert(sizeof(creche_batch_result) == sizeof(pg::BatchResult) &&
              offsetof(creche_batch_result, error) == offsetof(pg::BatchResult, error) &&
              static_cast<int>(CRECHE_BATCH_UNKNOWN) == pg::BatchResult::kUnknown);
static_assert(sizeof(creche_description) == sizeof(pg::Description) &&
              offsetof(creche_description, columns) == offsetof(pg::Description, columns));

namespace creche::capi {

template <>
creche_batch_options Defaults() noexcept {
  creche_batch_options o{};
  o.size = sizeof o;
  o.max_bytes = pg::BatchOptions{}.max_bytes;
  return o;
}

namespace {

creche_status CheckItems(const creche_batch_item* items, size_t count) {
  constexpr size_t kMost = 65536;
  if (!items && count > 0) return Fail(Status::kInvalid, "items is NULL and count is not 0");
  if (count > kMost)
    return Fail(Status::kInvalid, "a batch has %zu statements at the most, not %zu", kMost, count);
  for (size_t i = 0; i < count; i++)
    if (!items[i].sql || (!items[i].args && items[i].args_count > 0))
      return Fail(Status::kInvalid, "item %zu: sql is NULL, or args is and args_count is not 0", i);
  return CRECHE_OK;
}

creche_status StartBatch(pg::Connectable on, creche_scope in, const creche_batch_item* items,
                         size_t count, const creche_batch_options* given, creche_done_fn done,
                         void* user, creche_task* task) {
  creche_batch_options o;
  if (creche_status failed = ReadOptions(given, &o, CRECHE_BATCH_SEPARATE, "creche_batch_options"))
    return failed;
  if (o.max_bytes == 0)
    return Fail(Status::kInvalid, "max_bytes must not be 0: call creche_batch_options_init first");
  if (creche_status failed = CheckItems(items, count)) return failed;
  StartArgsReader reader;
  if (creche_status failed = reader.Read(in, o.task, done, user, task)) return failed;
  reader.DefaultTimeout(on.pool().command_timeout());
  Loop& loop = on.loop();
  const auto keep = Ref<Loop>::Share(&loop);
  std::vector<pg::Statement> statements;
  statements.reserve(count);
  for (size_t i = 0; i < count; i++)
    statements.emplace_back(on.pool().texts().Get(items[i].sql),
                            reinterpret_cast<const pg::Value*>(items[i].args), items[i].args_count);
  auto operation = std::make_unique<pg::BatchOperation>(
      std::move(on), std::move(statements),
      pg::BatchOptions{.separate = (o.flags & CRECHE_BATCH_SEPARATE) != 0,
                       .max_bytes = o.max_bytes});
  return Started(tasks::StartOperation(loop, reader.args, std::move(operation)), in);
}

creche_status StartDescribe(pg::Connectable on, creche_scope in, const char* sql,
                            const creche_value* args, size_t args_count,
                            const creche_task_options* options, creche_done_fn done, void* user,
                            creche_task* task) {
  if (creche_status failed = CheckSql(sql, args, args_count)) return failed;
  StartArgsReader reader;
  if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
  reader.DefaultTimeout(on.pool().command_timeout());
  Loop& loop = on.loop();
  const auto keep = Ref<Loop>::Share(&loop);
  std::vector<pg::Value> types(args_count, pg::Value{});
  for (size_t i = 0; i < args_count; i++) types[i].type = args[i].type;
  auto operation = std::make_unique<pg::DescribeOperation>(
      std::move(on), pg::Statement(sql, types.data(), args_count));
  return Started(tasks::StartOperation(loop, reader.args, std::move(operation)), in);
}

}  // namespace
}  // namespace creche::capi

extern "C" {

creche_status creche_batch_options_init(creche_batch_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_pool_batch(creche_pool pool, creche_scope in, const creche_batch_item* items,
                                size_t count, const creche_batch_options* options,
                                creche_done_fn done, void* user, creche_task* task) {
  return OnPool(pool, task, [&](pg::Connectable on) {
    return StartBatch(std::move(on), in, items, count, options, done, user, task);
  });
}

creche_status creche_connection_batch(creche_connection connection, creche_scope in,
                                      const creche_batch_item* items, size_t count,
                                      const creche_batch_options* options, creche_done_fn done,
                                      void* user, creche_task* task) {
  return OnConnection(connection, task, [&](pg::Connectable on) {
    return StartBatch(std::move(on), in, items, count, options, done, user, task);
  });
}

creche_status creche_pool_describe(creche_pool pool, creche_scope in, const char* sql,
                                   const creche_value* args, size_t args_count,
                                   const creche_task_options* options, creche_done_fn done,
                                   void* user, creche_task* task) {
  return OnPool(pool, task, [&](pg::Connectable on) {
    return StartDescribe(std::move(on), in, sql, args, args_count, options, done, user, task);
  });
}

creche_status creche_connection_describe(creche_connection connection, creche_scope in,
                                         const char* sql, const creche_value* args,
                                         size_t args_count, const creche_task_options* options,
                                         creche_done_fn done, void* user, creche_task* task) {
  return OnConnection(connection, task, [&](pg::Connectable on) {
    return StartDescribe(std::move(on), in, sql, args, args_count, options, done, user, task);
  });
}

}  // extern "C"
