// creche/blocking.h: an operation is started, and its end waited for, on the caller's stack.
#include <creche/blocking.h>

#include "capi/default_loop.h"
#include "capi/open_close.h"
#include "capi/pg_find.h"
#include "http/session.h"
#include "tasks/thread_wait.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

namespace {

// How an operation has ended, and its value.
class Answer {
 public:
  explicit Answer(Loop& loop) noexcept : wait_(loop.id()), loop_(loop.id()) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  // start(creche_done_fn, void* user): starts the operation. The status of its end.
  template <class Start>
  creche_status Of(Start start) noexcept {
    if (wait_.status() != Status::kOk) return Explained(wait_.status(), loop_, "a loop");
    if (const creche_status failed = start(Told, this)) return failed;
    wait_.Wait();
    return status_ == CRECHE_OK ? CRECHE_OK : FailWith(std::move(error_));
  }
  uint64_t value() const noexcept { return value_; }

 private:
  // On the loop.
  static void Told(void* user, const creche_completion* completion) noexcept {
    auto* answer = static_cast<Answer*>(user);
    answer->status_ = completion->status;
    answer->value_ = completion->value;
    if (completion->error)
      answer->error_ =
          ErrorRef::Share(Error::Of(reinterpret_cast<const ErrorFields*>(completion->error)));
    answer->wait_.Tell();
  }

  tasks::ThreadWait wait_;
  const uint64_t loop_;
  creche_status status_ = CRECHE_OK;
  uint64_t value_ = 0;
  ErrorRef error_;
};

// Where it is started: {0} is the loop.
creche_scope In(creche_scope in, const Loop& loop) noexcept {
  return in.id != 0 ? in : creche_scope{loop.id()};
}

creche_status Fetch(creche_session session, creche_scope in, const char* url,
                    const creche_request_options* options, creche_response* response) {
  if (options && (options->flags & CRECHE_REQUEST_PULL_BODY))
    return Fail(Status::kInvalid,
                "a pulled body needs somebody to ask, and this call waits; give the body, a file "
                "of it, or call creche_session_fetch");
  creche_status failed = CRECHE_OK;
  const Ref<http::Session> found = Find<http::Session>(session.id, &failed);
  if (!found) return failed;
  Answer answer(found->loop());
  failed = answer.Of([&](creche_done_fn done, void* user) {
    return creche_session_fetch(session, In(in, found->loop()), url, options, done, user, nullptr);
  });
  if (!failed) response->id = answer.value();
  return failed;
}

// What a statement has returned: its rows, or how many it has affected.
struct Wanted {
  creche_rows* rows;
  int64_t* affected;

  creche_status Check(bool want_rows) const noexcept {
    if (rows) *rows = {};
    if (affected) *affected = 0;
    if (want_rows && !rows) return Fail(Status::kInvalid, "rows is NULL: nowhere to store them");
    return CRECHE_OK;
  }
  void Take(creche_rows got) const noexcept {
    if (rows) {
      *rows = got;
      return;
    }
    const creche_row_block* block = creche_rows_block(got);
    if (affected) *affected = block ? block->affected : -1;
    creche_rows_release(got);
  }
};

// On a pool or a connection, which is a T: their functions are alike.
template <class T, class Handle>
creche_status QueryOn(Handle on,
                      creche_status (*query)(Handle, creche_scope, const char*, const creche_value*,
                                             size_t, const creche_query_options*, creche_done_fn,
                                             void*, creche_task*),
                      creche_scope in, const char* sql, const creche_value* args, size_t args_count,
                      const creche_query_options* options, bool want_rows, Wanted wanted) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    creche_status failed = wanted.Check(want_rows);
    if (failed) return failed;
    const Ref<T> found = Find<T>(on.id, &failed);
    if (!found) return failed;
    Loop& loop = found->loop();
    Answer answer(loop);
    failed = answer.Of([&](creche_done_fn done, void* user) {
      return query(on, In(in, loop), sql, args, args_count, options, done, user, nullptr);
    });
    if (!failed) wanted.Take({answer.value()});
    return failed;
  });
}

// A connection of the pool's, and step(scope, connection, done, user) on it. If that fails the
// connection is given back.
template <class Step>
creche_status OnOwn(creche_pool pool, creche_scope in, const creche_task_options* options,
                    creche_connection* connection, Step step) {
  creche_status failed = CRECHE_OK;
  const Ref<pg::Pool> found = Find<pg::Pool>(pool.id, &failed);
  if (!found) return failed;
  const creche_scope scope = In(in, found->loop());
  Answer acquired(found->loop());
  failed = acquired.Of([&](creche_done_fn done, void* user) {
    return creche_pool_acquire(pool, scope, options, done, user, nullptr);
  });
  if (failed) return failed;
  const creche_connection got{acquired.value()};
  Answer answer(found->loop());
  failed = answer.Of([&](creche_done_fn done, void* user) { return step(scope, got, done, user); });
  if (failed)
    creche_connection_release(got);
  else
    *connection = got;
  return failed;
}

}  // namespace
}  // namespace creche::capi

extern "C" {

creche_status creche_default_loop(creche_loop* loop) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (!loop) return Fail(Status::kInvalid, "loop is NULL: nowhere to store the handle");
    *loop = {};
    return UseDefaultLoop(loop);
  });
}

creche_status creche_default_close(int64_t timeout) {
  const platform::NotCancelled here;
  return Guard([&] { return CloseDefaultLoop(timeout); });
}

creche_status creche_fetch(const char* url, const creche_request_options* options,
                           creche_response* response) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (!response) return Fail(Status::kInvalid, "response is NULL: nowhere to store the handle");
    *response = {};
    // Before a loop is opened for it.
    if (Loop::OnAnyLoop()) return ExplainFailure(Status::kWouldDeadlock, 0, "");
    creche_session session;
    if (const creche_status failed = UseDefaultSession(&session)) return failed;
    return Fetch(session, {}, url, options, response);
  });
}

creche_status creche_fetch_in(creche_session session, creche_scope in, const char* url,
                              const creche_request_options* options, creche_response* response) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (!response) return Fail(Status::kInvalid, "response is NULL: nowhere to store the handle");
    *response = {};
    return Fetch(session, in, url, options, response);
  });
}

creche_status creche_query(creche_pool pool, const char* sql, const creche_value* args,
                           size_t args_count, const creche_query_options* options,
                           creche_rows* rows) {
  return QueryOn<pg::Pool>(pool, creche_pool_query, {}, sql, args, args_count, options, true,
                           {rows, nullptr});
}

creche_status creche_execute(creche_pool pool, const char* sql, const creche_value* args,
                             size_t args_count, const creche_query_options* options,
                             int64_t* affected) {
  return QueryOn<pg::Pool>(pool, creche_pool_query, {}, sql, args, args_count, options, false,
                           {nullptr, affected});
}

creche_status creche_query_in(creche_pool pool, creche_scope in, const char* sql,
                              const creche_value* args, size_t args_count,
                              const creche_query_options* options, creche_rows* rows) {
  return QueryOn<pg::Pool>(pool, creche_pool_query, in, sql, args, args_count, options, true,
                           {rows, nullptr});
}

creche_status creche_execute_in(creche_pool pool, creche_scope in, const char* sql,
                                const creche_value* args, size_t args_count,
                                const creche_query_options* options, int64_t* affected) {
  return QueryOn<pg::Pool>(pool, creche_pool_query, in, sql, args, args_count, options, false,
                           {nullptr, affected});
}

creche_status creche_script(creche_pool pool, const char* sql,
                            const creche_query_options* options) {
  const platform::NotCancelled here;
  return Guard([&] {
    creche_connection connection{};
    const creche_status status =
        OnOwn(pool, {}, options ? options->task : nullptr, &connection,
              [&](creche_scope scope, creche_connection on, creche_done_fn done, void* user) {
                return creche_connection_script(on, scope, sql, options, done, user, nullptr);
              });
    creche_connection_release(connection);
    return status;
  });
}

creche_status creche_begin(creche_pool pool, creche_scope in,
                           const creche_transaction_options* options,
                           creche_connection* connection) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (!connection)
      return Fail(Status::kInvalid, "connection is NULL: nowhere to store the handle");
    *connection = {};
    return OnOwn(pool, in, options ? options->task : nullptr, connection,
                 [&](creche_scope scope, creche_connection on, creche_done_fn done, void* user) {
                   return creche_connection_begin(on, scope, options, done, user, nullptr);
                 });
  });
}

creche_status creche_query_on(creche_connection connection, creche_scope in, const char* sql,
                              const creche_value* args, size_t args_count,
                              const creche_query_options* options, creche_rows* rows) {
  return QueryOn<pg::ConnectionLease>(connection, creche_connection_query, in, sql, args,
                                      args_count, options, true, {rows, nullptr});
}

creche_status creche_execute_on(creche_connection connection, creche_scope in, const char* sql,
                                const creche_value* args, size_t args_count,
                                const creche_query_options* options, int64_t* affected) {
  return QueryOn<pg::ConnectionLease>(connection, creche_connection_query, in, sql, args,
                                      args_count, options, false, {nullptr, affected});
}

creche_status creche_commit(creche_connection connection,
                            const creche_transaction_options* options) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    const Ref<pg::ConnectionLease> found = Find<pg::ConnectionLease>(connection.id, &failed);
    if (!found) return failed;
    bool started = false;
    Answer answer(found->loop());
    failed = answer.Of([&](creche_done_fn done, void* user) {
      const creche_status refused =
          creche_connection_commit(connection, In({}, found->loop()), options, done, user, nullptr);
      started = refused == CRECHE_OK;
      return refused;
    });
    if (started) creche_connection_release(connection);
    return failed;
  });
}

}  // extern "C"
