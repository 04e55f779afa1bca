// The options structs of creche/pg.h, as the pg layer knows them.
#pragma once
#include <creche/pg.h>

#include <string>

#include "capi/options.h"
#include "capi/start_args.h"
#include "pg/op/query_operation.h"
#include "pg/pool.h"
#include "pg/sql/transaction_text.h"

namespace creche::capi {

// Whether they may be the sizes of a pool.
creche_status CheckPoolSize(uint32_t min_size, uint32_t max_size);
creche_status ReadPoolCalls(const creche_pool_calls* given, pg::PoolCalls* calls);
creche_status ReadPool(const creche_pool_options* given, pg::PoolOptions* options);
// *task: the options of the task in it, or NULL. more_flags: that are known here, too.
creche_status ReadQuery(const creche_query_options* given, pg::QueryOptions* options,
                        const creche_task_options** task, uint32_t more_flags = 0);
creche_status ReadTransaction(const creche_transaction_options* given,
                              pg::TransactionOptions* options, const creche_task_options** task);
// What a statement is made from; it may fail for want of memory only (bad_alloc).
creche_status CheckSql(const char* sql, const creche_value* args, size_t args_count);

// With names for the parameters *sql becomes a text with numbers, in *numbered.
creche_status ReadNames(const char* const* names, size_t count, const char** sql,
                        std::string* numbered);

}  // namespace creche::capi
