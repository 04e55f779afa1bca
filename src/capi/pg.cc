// creche/pg.h: pools, connections and what runs on them.
#include <creche/pg.h>

#include <memory>

#include "capi/open_close.h"
#include "capi/options.h"
#include "capi/pg_find.h"
#include "capi/pg_options.h"
#include "capi/start_args.h"
#include "pg/op/acquire_operation.h"
#include "pg/op/control_operation.h"
#include "pg/op/query_operation.h"
#include "pg/op/script_operation.h"
#include "pg/op/stream_operation.h"
#include "pg/op/transaction_operation.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

namespace {

enum class Form { kQuery, kStream, kScript };

// Where it runs has been found; the rest is the same for pools and connections.
creche_status StartStatement(pg::Connectable on, Form form, creche_scope in, const char* sql,
                             const creche_value* args, size_t args_count,
                             const creche_query_options* given, creche_done_fn done, void* user,
                             creche_task* task) {
  pg::QueryOptions options;
  const creche_task_options* task_options;
  if (creche_status failed = ReadQuery(given, &options, &task_options)) return failed;
  StartArgsReader reader;
  if (creche_status failed = reader.Read(in, task_options, done, user, task)) return failed;
  // How long a stream lasts is its reader's choice.
  if (form != Form::kStream) reader.DefaultTimeout(on.pool().command_timeout());
  if (creche_status failed = CheckSql(sql, args, args_count)) return failed;
  if (form == Form::kScript && options.names)
    return Fail(Status::kInvalid, "a script has no parameters, and so no names");
  std::string numbered;
  if (creche_status failed = ReadNames(options.names, args_count, &sql, &numbered)) return failed;
  pg::Statement statement =
      form == Form::kScript ? pg::Statement::Script(sql)
                            : pg::Statement(on.pool().texts().Get(sql),
                                            reinterpret_cast<const pg::Value*>(args), args_count);
  Loop& loop = on.loop();
  const auto keep = Ref<Loop>::Share(&loop);
  std::unique_ptr<tasks::Operation> operation;
  if (form == Form::kStream)
    operation = std::make_unique<pg::StreamOperation>(std::move(on), std::move(statement), options);
  else if (form == Form::kScript)
    operation = std::make_unique<pg::ScriptOperation>(std::move(on), std::move(statement));
  else
    operation = std::make_unique<pg::QueryOperation>(std::move(on), std::move(statement), options);
  return Started(tasks::StartOperation(loop, reader.args, std::move(operation)), in);
}

creche_status OnPool(creche_pool pool, Form form, creche_scope in, const char* sql,
                     const creche_value* args, size_t args_count,
                     const creche_query_options* options, creche_done_fn done, void* user,
                     creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    auto use = UsePool(pool, &failed);
    if (!use) return failed;
    return StartStatement(pg::Connectable(std::move(*use)), form, in, sql, args, args_count,
                          options, done, user, task);
  });
}

creche_status OnConnection(creche_connection connection, Form form, creche_scope in,
                           const char* sql, const creche_value* args, size_t args_count,
                           const creche_query_options* options, creche_done_fn done, void* user,
                           creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    Ref<pg::ConnectionLease> found = FindConnection(connection, &failed);
    if (!found) return failed;
    return StartStatement(pg::Connectable(std::move(found)), form, in, sql, args, args_count,
                          options, done, user, task);
  });
}

creche_status Control(creche_connection connection, pg::ControlOperation::Step step,
                      creche_scope in, const creche_transaction_options* given, creche_done_fn done,
                      void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    Ref<pg::ConnectionLease> found = FindConnection(connection, &failed);
    if (!found) return failed;
    pg::TransactionOptions options;
    const creche_task_options* task_options;
    if ((failed = ReadTransaction(given, &options, &task_options))) return failed;
    StartArgsReader reader;
    if ((failed = reader.Read(in, task_options, done, user, task))) return failed;
    // The end of a transaction is shielded; commit_timeout bounds it.
    if (step != pg::ControlOperation::Step::kBegin) reader.Options().shield = true;
    const auto loop = Ref<Loop>::Share(&found->loop());
    pg::Connectable on(std::move(found), step == pg::ControlOperation::Step::kBegin);
    auto operation = std::make_unique<pg::ControlOperation>(std::move(on), step, options);
    return Started(tasks::StartOperation(*loop, reader.args, std::move(operation)), in);
  });
}

}  // namespace
}  // namespace creche::capi

extern "C" {

creche_status creche_pool_open(creche_loop loop, const char* dsn,
                               const creche_pool_options* options, creche_pool* pool) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (!pool) return Fail(Status::kInvalid, "pool is NULL: nowhere to store the handle");
    *pool = {};
    pg::PoolOptions o;
    if (creche_status failed = ReadPool(options, &o)) return failed;
    return OpenResident<pg::Pool>(
        loop, &pool->id, [&](Ref<Loop> found, Ref<pg::Pool>* opened) -> creche_status {
          const Status status = pg::Pool::Open(std::move(found), dsn, o, opened);
          return Explained(status, loop.scope.id, "a loop");
        });
  });
}

creche_status creche_pool_close(creche_pool pool, creche_done_fn done, void* user) {
  return CloseResident<pg::Pool>(pool.id, done, user);
}

void creche_pool_release(creche_pool pool) {
  ReleaseHandle<pg::Pool>(pool.id);
}

creche_status creche_pool_query(creche_pool pool, creche_scope in, const char* sql,
                                const creche_value* args, size_t args_count,
                                const creche_query_options* options, creche_done_fn done,
                                void* user, creche_task* task) {
  return OnPool(pool, Form::kQuery, in, sql, args, args_count, options, done, user, task);
}

creche_status creche_pool_stream(creche_pool pool, creche_scope in, const char* sql,
                                 const creche_value* args, size_t args_count,
                                 const creche_query_options* options, creche_done_fn done,
                                 void* user, creche_task* task) {
  return OnPool(pool, Form::kStream, in, sql, args, args_count, options, done, user, task);
}

creche_status creche_pool_acquire(creche_pool pool, creche_scope in,
                                  const creche_task_options* options, creche_done_fn done,
                                  void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    auto use = UsePool(pool, &failed);
    if (!use) return failed;
    StartArgsReader reader;
    if ((failed = reader.Read(in, options, done, user, task))) return failed;
    const auto loop = Ref<Loop>::Share(&(*use)->loop());
    auto operation = std::make_unique<pg::AcquireOperation>(std::move(*use));
    return Started(tasks::StartOperation(*loop, reader.args, std::move(operation)), in);
  });
}

creche_status creche_pool_transaction(creche_pool pool, creche_scope in, creche_done_fn body,
                                      void* body_user, const creche_transaction_options* given,
                                      creche_done_fn done, void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_status failed = CRECHE_OK;
    auto use = UsePool(pool, &failed);
    if (!use) return failed;
    if (!body || body == creche_to_group || body == creche_nobody)
      return Fail(Status::kInvalid, "body must be a function of yours");
    pg::TransactionOptions options;
    const creche_task_options* task_options;
    if ((failed = ReadTransaction(given, &options, &task_options))) return failed;
    StartArgsReader reader;
    if ((failed = reader.Read(in, task_options, done, user, task))) return failed;
    const auto loop = Ref<Loop>::Share(&(*use)->loop());
    auto operation = std::make_unique<pg::TransactionOperation>(std::move(*use), options,
                                                                ToDone(body), body_user);
    return Started(tasks::StartOperation(*loop, reader.args, std::move(operation)), in);
  });
}

creche_status creche_connection_move(creche_connection connection, creche_scope to) {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    Ref<pg::ConnectionLease> found = FindConnection(connection, &failed);
    if (!found) return failed;
    const Status status = found->Move(to.id);
    if (status == Status::kState && found->of_operation())
      return Fail(status, "the connection belongs to a transaction: it goes with its end");
    Status place = Status::kOk;  // which of the two has ended?
    PeekDomain(to.id, kScopeKinds, &place);
    if (status == Status::kEnded && place == Status::kOk)
      return Explained(status, connection.id, "a connection");
    return Started(status, to);
  });
}

void creche_connection_release(creche_connection connection) {
  ReleaseHandle<pg::ConnectionLease>(connection.id);
}

creche_status creche_connection_query(creche_connection connection, creche_scope in,
                                      const char* sql, const creche_value* args, size_t args_count,
                                      const creche_query_options* options, creche_done_fn done,
                                      void* user, creche_task* task) {
  return OnConnection(connection, Form::kQuery, in, sql, args, args_count, options, done, user,
                      task);
}

creche_status creche_connection_stream(creche_connection connection, creche_scope in,
                                       const char* sql, const creche_value* args, size_t args_count,
                                       const creche_query_options* options, creche_done_fn done,
                                       void* user, creche_task* task) {
  return OnConnection(connection, Form::kStream, in, sql, args, args_count, options, done, user,
                      task);
}

creche_status creche_connection_script(creche_connection connection, creche_scope in,
                                       const char* sql, const creche_query_options* options,
                                       creche_done_fn done, void* user, creche_task* task) {
  return OnConnection(connection, Form::kScript, in, sql, nullptr, 0, options, done, user, task);
}

creche_status creche_connection_begin(creche_connection connection, creche_scope in,
                                      const creche_transaction_options* options,
                                      creche_done_fn done, void* user, creche_task* task) {
  return Control(connection, pg::ControlOperation::Step::kBegin, in, options, done, user, task);
}

creche_status creche_connection_commit(creche_connection connection, creche_scope in,
                                       const creche_transaction_options* options,
                                       creche_done_fn done, void* user, creche_task* task) {
  return Control(connection, pg::ControlOperation::Step::kCommit, in, options, done, user, task);
}

creche_status creche_connection_rollback(creche_connection connection, creche_scope in,
                                         const creche_transaction_options* options,
                                         creche_done_fn done, void* user, creche_task* task) {
  return Control(connection, pg::ControlOperation::Step::kRollback, in, options, done, user, task);
}

}  // extern "C"
