#include "capi/pg_options.h"

#include <optional>
#include <string>
#include <utility>

#include "pg/sql/named_params.h"

namespace creche::capi {

template <>
creche_pool_options Defaults() noexcept {
  const pg::PoolOptions d;
  creche_pool_options o{};
  o.size = sizeof o;
  o.min_size = d.min_size;
  o.max_size = d.max_size;
  o.max_waiting = d.max_waiting;
  o.statement_cache = d.statement_cache;
  o.pipeline_depth = d.pipeline_depth;
  o.reset = CRECHE_RESET_FULL;
  o.connect_timeout = d.connect_timeout;
  o.acquire_timeout = d.acquire_timeout;
  o.idle_timeout = d.idle_timeout;
  o.max_lifetime = d.max_lifetime;
  o.cancel_timeout = d.cancel_timeout;
  o.statement_lifetime = d.statement_lifetime;
  o.command_timeout = d.command_timeout;
  return o;
}

template <>
creche_query_options Defaults() noexcept {
  const pg::QueryOptions d;
  creche_query_options o{};
  o.size = sizeof o;
  o.max_bytes = d.max_bytes;
  o.block_rows = d.block_rows;
  o.block_bytes = d.block_bytes;
  o.blocks = d.blocks;
  return o;
}

template <>
creche_transaction_options Defaults() noexcept {
  creche_transaction_options o{};
  o.size = sizeof o;
  o.commit_timeout = pg::TransactionOptions{}.commit_timeout;
  o.retry_delay = pg::TransactionOptions{}.retry_delay;
  return o;
}

static creche_status Negative(const char* name) {
  return Fail(Status::kInvalid, "%s is negative; it counts nanoseconds (CRECHE_NEVER: no limit)",
              name);
}

creche_status CheckPoolSize(uint32_t min_size, uint32_t max_size) {
  constexpr uint32_t kMaxSize = 65536;
  if (max_size < 1 || max_size > kMaxSize)
    return Fail(Status::kInvalid, "max_size is %u; it is 1 to %u", max_size, kMaxSize);
  if (min_size > max_size)
    return Fail(Status::kInvalid, "min_size (%u) is bigger than max_size (%u)", min_size, max_size);
  return CRECHE_OK;
}

creche_status ReadPool(const creche_pool_options* given, pg::PoolOptions* options) {
  creche_pool_options o;
  if (creche_status failed = ReadOptions(
          given, &o, CRECHE_POOL_NO_PREPARE | CRECHE_POOL_NO_PIPELINE, "creche_pool_options"))
    return failed;
  if (creche_status failed = CheckQueue(o.queue)) return failed;
  constexpr uint32_t kMaxDepth = 1024;
  if (creche_status failed = CheckPoolSize(o.min_size, o.max_size)) return failed;
  if (o.pipeline_depth < 1 || o.pipeline_depth > kMaxDepth)
    return Fail(Status::kInvalid, "pipeline_depth is %u; it is 1 to %u", o.pipeline_depth,
                kMaxDepth);
  if (o.initial_size > o.max_size)
    return Fail(Status::kInvalid, "initial_size (%u) is bigger than max_size (%u)", o.initial_size,
                o.max_size);
  if (o.reset > CRECHE_RESET_NONE)
    return Fail(Status::kInvalid, "reset is %u; use CRECHE_RESET_FULL or _NONE", o.reset);
  if (o.connect_timeout < 0) return Negative("connect_timeout");
  if (o.acquire_timeout < 0) return Negative("acquire_timeout");
  if (o.idle_timeout < 0) return Negative("idle_timeout");
  if (o.max_lifetime < 0) return Negative("max_lifetime");
  if (o.cancel_timeout < 0) return Negative("cancel_timeout");
  if (o.statement_lifetime < 0) return Negative("statement_lifetime");
  if (o.command_timeout < 0) return Negative("command_timeout");
  if (creche_status failed = ReadPoolCalls(o.calls, &options->calls)) return failed;
  options->prepare = !(o.flags & CRECHE_POOL_NO_PREPARE);
  options->pipeline = !(o.flags & CRECHE_POOL_NO_PIPELINE);
  options->initial_size = o.initial_size;
  options->min_size = o.min_size;
  options->max_size = o.max_size;
  options->max_waiting = o.max_waiting;
  options->max_uses = o.max_uses;
  options->statement_cache = o.statement_cache;
  options->pipeline_depth = o.pipeline_depth;
  options->full_reset = o.reset == CRECHE_RESET_FULL;
  options->connect_timeout = o.connect_timeout;
  options->acquire_timeout = o.acquire_timeout;
  options->idle_timeout = o.idle_timeout;
  options->max_lifetime = o.max_lifetime;
  options->cancel_timeout = o.cancel_timeout;
  if (o.statement_lifetime != 0) options->statement_lifetime = o.statement_lifetime;
  options->command_timeout = o.command_timeout;
  if (o.application_name) options->application_name = o.application_name;
  if (o.init) options->init = o.init;
  if (o.setup) options->setup = o.setup;
  options->queue = o.queue.id;
  return CRECHE_OK;
}

creche_status ReadQuery(const creche_query_options* given, pg::QueryOptions* options,
                        const creche_task_options** task, uint32_t more_flags) {
  *task = nullptr;
  if (!given) return CRECHE_OK;
  creche_query_options o;
  if (creche_status failed =
          ReadOptions(given, &o, CRECHE_QUERY_NO_PREPARE | CRECHE_QUERY_ALONE | more_flags,
                      "creche_query_options"))
    return failed;
  if (o.max_bytes == 0 || o.block_rows == 0 || o.block_bytes == 0 || o.blocks == 0)
    return Fail(Status::kInvalid,
                "max_bytes, block_rows, block_bytes and blocks must not be 0: call "
                "creche_query_options_init first");
  options->prepare = !(o.flags & CRECHE_QUERY_NO_PREPARE);
  options->alone = (o.flags & CRECHE_QUERY_ALONE) != 0;
  options->collect = (o.flags & CRECHE_QUERY_COLLECT) != 0;
  options->max_bytes = o.max_bytes;
  options->block_rows = o.block_rows;
  options->block_bytes = o.block_bytes;
  options->blocks = o.blocks;
  options->max_rows = o.max_rows;
  options->names = o.names;
  *task = o.task;
  return CRECHE_OK;
}

// One of two opposite flags, or neither.
static creche_status ReadChoice(uint32_t flags, uint32_t yes, uint32_t no, const char* name,
                                std::optional<bool>* choice) {
  if ((flags & yes) && (flags & no))
    return Fail(Status::kInvalid, "flags ask for CRECHE_TRANSACTION_%s: leave one of them out",
                name);
  if (flags & (yes | no)) *choice = (flags & yes) != 0;
  return CRECHE_OK;
}

creche_status ReadTransaction(const creche_transaction_options* given,
                              pg::TransactionOptions* options, const creche_task_options** task) {
  *task = nullptr;
  if (!given) return CRECHE_OK;
  creche_transaction_options o;
  if (creche_status failed =
          ReadOptions(given, &o,
                      CRECHE_TRANSACTION_READ_ONLY | CRECHE_TRANSACTION_READ_WRITE |
                          CRECHE_TRANSACTION_DEFERRABLE | CRECHE_TRANSACTION_NOT_DEFERRABLE,
                      "creche_transaction_options"))
    return failed;
  if (creche_status failed =
          ReadChoice(o.flags, CRECHE_TRANSACTION_READ_ONLY, CRECHE_TRANSACTION_READ_WRITE,
                     "READ_ONLY and _READ_WRITE", &options->read_only))
    return failed;
  if (creche_status failed =
          ReadChoice(o.flags, CRECHE_TRANSACTION_DEFERRABLE, CRECHE_TRANSACTION_NOT_DEFERRABLE,
                     "DEFERRABLE and _NOT_DEFERRABLE", &options->deferrable))
    return failed;
  if (o.isolation > CRECHE_READ_UNCOMMITTED)
    return Fail(Status::kInvalid, "isolation is %u; use CRECHE_ISOLATION_DEFAULT, ...",
                o.isolation);
  if (o.commit_timeout < 0) return Negative("commit_timeout");
  options->isolation = o.isolation;
  if (o.retry_delay < 0) return Negative("retry_delay");
  options->retries = o.retries;
  options->retry_delay = o.retry_delay;
  options->commit_timeout = o.commit_timeout;
  *task = o.task;
  return CRECHE_OK;
}

creche_status ReadNames(const char* const* names, size_t count, const char** sql,
                        std::string* numbered) {
  if (!names) return CRECHE_OK;
  pg::Numbered made = pg::NumberNames(*sql, names, count);
  const char* const name = made.name.c_str();
  switch (made.problem) {
    case pg::Numbered::Problem::kNone:
      *numbered = std::move(made.sql);
      *sql = numbered->c_str();
      return CRECHE_OK;
    case pg::Numbered::Problem::kUnknown:
      return Fail(Status::kInvalid,
                  "the statement has :%s, which is not among the names (in an array's slice put a "
                  "space behind the colon)",
                  name);
    case pg::Numbered::Problem::kUnused:
      return Fail(Status::kInvalid, "the statement does not have :%s, which is among the names",
                  name);
    case pg::Numbered::Problem::kNumbered:
      return Fail(Status::kInvalid, "the statement has both names and numbers ($1, ...)");
    default:
      return Fail(
          Status::kInvalid,
          "\"%s\" is no name of a parameter, or is there twice: letters, digits and _, a digit "
          "not first, and no colon",
          name);
  }
}

creche_status CheckSql(const char* sql, const creche_value* args, size_t args_count) {
  if (!sql) return Fail(Status::kInvalid, "sql is NULL");
  if (!args && args_count > 0)
    return Fail(Status::kInvalid, "args is NULL and args_count is not 0");
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_pool_options_init(creche_pool_options* options, size_t size) {
  return creche::capi::InitOptions(options, size);
}

creche_status creche_query_options_init(creche_query_options* options, size_t size) {
  return creche::capi::InitOptions(options, size);
}

creche_status creche_transaction_options_init(creche_transaction_options* options, size_t size) {
  return creche::capi::InitOptions(options, size);
}

}  // extern "C"
