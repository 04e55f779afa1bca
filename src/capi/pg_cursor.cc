// creche/cursor.h: cursors.
#include <creche/pg.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "capi/options.h"
#include "capi/pg_find.h"
#include "capi/pg_options.h"
#include "capi/start_args.h"
#include "pg/op/query_operation.h"
#include "pg/sql/quoted.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_cursor_options Defaults() noexcept {
  creche_cursor_options o{};
  o.size = sizeof o;
  o.max_bytes = pg::QueryOptions{}.max_bytes;
  return o;
}

namespace {

// flags: those that are known here.
creche_status Read(const creche_cursor_options* given, uint32_t flags, creche_cursor_options* o) {
  if (creche_status failed = ReadOptions(given, o, flags, "creche_cursor_options")) return failed;
  if (o->max_bytes == 0)
    return Fail(Status::kInvalid, "max_bytes must not be 0: call creche_cursor_options_init first");
  return CRECHE_OK;
}

creche_status Quoted(const char* name, std::string* quoted) {
  const size_t length = name ? strlen(name) : 0;
  if (length == 0 || length > pg::kLongestName)
    return Fail(Status::kInvalid, "a name of a cursor has 1 to %zu bytes, not %zu",
                pg::kLongestName, length);
  *quoted = pg::QuotedName(name);
  return CRECHE_OK;
}

// A statement about a cursor, which nobody will see again.
creche_status StartStep(pg::Connectable on, creche_scope in, const std::string& sql,
                        const creche_value* args, size_t args_count, const creche_cursor_options& o,
                        creche_done_fn done, void* user, creche_task* task) {
  StartArgsReader reader;
  if (creche_status failed = reader.Read(in, o.task, done, user, task)) return failed;
  reader.DefaultTimeout(on.pool().command_timeout());
  Loop& loop = on.loop();
  const auto keep = Ref<Loop>::Share(&loop);
  const pg::QueryOptions once{.prepare = false, .max_bytes = o.max_bytes};
  auto operation = std::make_unique<pg::QueryOperation>(
      std::move(on), pg::Statement(sql, reinterpret_cast<const pg::Value*>(args), args_count),
      once);
  return Started(tasks::StartOperation(loop, reader.args, std::move(operation)), in);
}

creche_status StartTravel(const char* verb, creche_connection connection, creche_scope in,
                          const char* name, int64_t rows, const creche_cursor_options* given,
                          creche_done_fn done, void* user, creche_task* task) {
  return OnConnection(connection, task, [&](pg::Connectable on) -> creche_status {
    creche_cursor_options o;
    std::string quoted;
    if (creche_status failed = Read(given, 0, &o)) return failed;
    if (creche_status failed = Quoted(name, &quoted)) return failed;
    if (rows == 0) return Fail(Status::kInvalid, "rows is 0: say how many, or CRECHE_CURSOR_ALL");
    std::string sql = std::string(verb) + (rows > 0 ? " FORWARD " : " BACKWARD ");
    const bool all = rows == INT64_MAX || rows <= -INT64_MAX;
    sql += all ? "ALL" : std::to_string(std::abs(rows));
    sql += " FROM " + quoted;
    return StartStep(std::move(on), in, sql, nullptr, 0, o, done, user, task);
  });
}

}  // namespace
}  // namespace creche::capi

extern "C" {

creche_status creche_cursor_options_init(creche_cursor_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_cursor_open(creche_connection connection, creche_scope in, const char* name,
                                 const char* sql, const creche_value* args, size_t args_count,
                                 const creche_cursor_options* given, creche_done_fn done,
                                 void* user, creche_task* task) {
  return OnConnection(connection, task, [&](pg::Connectable on) -> creche_status {
    creche_cursor_options o;
    std::string quoted;
    if (creche_status failed = Read(given, CRECHE_CURSOR_HOLD | CRECHE_CURSOR_SCROLL, &o))
      return failed;
    if (creche_status failed = Quoted(name, &quoted)) return failed;
    if (creche_status failed = CheckSql(sql, args, args_count)) return failed;
    std::string text = "DECLARE " + quoted;
    text += o.flags & CRECHE_CURSOR_SCROLL ? " SCROLL CURSOR" : " NO SCROLL CURSOR";
    if (o.flags & CRECHE_CURSOR_HOLD) text += " WITH HOLD";
    text += " FOR ";
    text += sql;
    return StartStep(std::move(on), in, text, args, args_count, o, done, user, task);
  });
}

creche_status creche_cursor_fetch(creche_connection connection, creche_scope in, const char* name,
                                  int64_t rows, const creche_cursor_options* options,
                                  creche_done_fn done, void* user, creche_task* task) {
  return StartTravel("FETCH", connection, in, name, rows, options, done, user, task);
}

creche_status creche_cursor_move(creche_connection connection, creche_scope in, const char* name,
                                 int64_t rows, const creche_cursor_options* options,
                                 creche_done_fn done, void* user, creche_task* task) {
  return StartTravel("MOVE", connection, in, name, rows, options, done, user, task);
}

creche_status creche_cursor_close(creche_connection connection, creche_scope in, const char* name,
                                  const creche_cursor_options* given, creche_done_fn done,
                                  void* user, creche_task* task) {
  return OnConnection(connection, task, [&](pg::Connectable on) -> creche_status {
    creche_cursor_options o;
    std::string quoted;
    if (creche_status failed = Read(given, 0, &o)) return failed;
    if (creche_status failed = Quoted(name, &quoted)) return failed;
    return StartStep(std::move(on), in, "CLOSE " + quoted, nullptr, 0, o, done, user, task);
  });
}

}  // extern "C"
