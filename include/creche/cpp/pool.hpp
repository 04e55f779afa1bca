// creche/cpp/pool.hpp: a pool of connections to PostgreSQL.
#ifndef CRECHE_CPP_POOL_HPP
#define CRECHE_CPP_POOL_HPP

#include "copy.hpp"
#include "listener.hpp"
#include "loop.hpp"
#include "transaction.hpp"

namespace creche {

/// Options of a pool: creche_pool_options. Texts are the caller's, until it is made.
struct pool_options {
  uint32_t min_size = 0;
  uint32_t max_size = 10;
  uint32_t flags = 0;           ///< CRECHE_POOL_*
  duration acquire_timeout{0};  ///< 0: 60 s
  duration command_timeout = never;
  ctext application_name = {};
  ctext init = {};
  /// Whatever else: these are the options then, and what is said above is put into a copy of them.
  const creche_pool_options* more = nullptr;
};

/// A pool: connections, and statements that share them. Moves only; its end closes it. Its
/// statements are those of a connection: query, execute, value, stream.
class pool : public detail::statements<pool, creche_pool, creche_pool_query, creche_pool_stream,
                                       creche_pool_execute_many, creche_pool_batch> {
 public:
  /// On the loop of the coroutine that makes it. dsn: a URI or key=value string; empty: the
  /// environment.
  explicit pool(ctext dsn, const pool_options& options = {}) : pool(current_loop(), dsn, options) {}
  pool(const loop& on, ctext dsn, const pool_options& options = {})
      : pool(on.get(), dsn, options) {}
  pool(creche_loop on, ctext dsn, const pool_options& options = {}) {
    auto c = options.more != nullptr
                 ? *options.more
                 : detail::defaults<creche_pool_options, creche_pool_options_init>();
    c.flags |= options.flags;
    if (options.min_size != 0) c.min_size = options.min_size;
    if (options.more == nullptr || options.max_size != 10) c.max_size = options.max_size;
    if (options.acquire_timeout != duration(0)) c.acquire_timeout = options.acquire_timeout.count();
    if (options.command_timeout != never) c.command_timeout = options.command_timeout.count();
    if (options.application_name) c.application_name = options.application_name.c_str();
    if (options.init) c.init = options.init.c_str();
    creche_pool raw;
    detail::check(creche_pool_open(on, dsn.c_str(), &c, &raw));
    raw_.reset(raw);
  }

  /// Waits for a connection for itself alone, until that is given back.
  auto acquire(duration timeout = never) {
    return call(
        [raw = raw_.get(), timeout](creche_scope in, creche_done_fn done, void* user) {
          const creche_task_options o = detail::in_c(timeout);
          return creche_pool_acquire(raw, in, &o, done, user, nullptr);
        },
        detail::take_connection());
  }
  /// Runs body(connection&), a coroutine, in a transaction, and gives what it returns. It is
  /// committed when it returns (under a shield: no cancellation cuts that), and rolled back when it
  /// throws or is cancelled. With retries, a body whose transaction collides with another one is
  /// run again.
  template <class F>
  auto transaction(const transaction_options& options, F&& body) {
    CRECHE_CPP_CHECK_TEMPORARY(F);
    return detail::run_transaction<std::decay_t<F>>(raw_.get(), options, std::forward<F>(body));
  }
  template <class F>
  auto transaction(F&& body) {
    return transaction(transaction_options{}, std::forward<F>(body));
  }

  /// COPY ... TO STDOUT, from now on: `auto out = db.copy_out("copy ..."); while (auto bytes =
  /// co_await out.next()) ...`.
  copy_stream copy_out(ctext sql) {
    return detail::copy_out<creche_pool, creche_pool_copy_out>(raw_.get(), sql);
  }
  /// COPY ... FROM STDIN of what body(writer&), a coroutine, writes; gives the number of rows. All
  /// or nothing: if the body throws, nothing is there.
  template <class F>
  task<uint64_t> copy_in(ctext sql, F&& body) {
    CRECHE_CPP_CHECK_TEMPORARY(F);
    return detail::copy_in<creche_pool, creche_pool_copy_in, std::decay_t<F>>(
        raw_.get(), sql, std::forward<F>(body));
  }
  /// Listens on channels, from now on, on a connection of its own: `auto jobs = db.listen("jobs");
  /// while (auto said = co_await jobs.next()) ...`.
  template <class... Names>
  listener listen(const Names&... channels) {
    const char* const names[] = {ctext(channels).c_str()...};
    return listener([&](creche_scope in, creche_done_fn done, void* user, creche_task* task) {
      return creche_pool_listen(raw_.get(), in, names, sizeof...(channels), nullptr, done, user,
                                task);
    });
  }

  /// Closes it, and waits until its connections are closed. (Without, its end does it alone.)
  auto close() {
    return call([raw = raw_.get()](creche_scope, creche_done_fn done, void* user) {
      return creche_pool_close(raw, done, user);
    });
  }
  creche_pool_counters counters() const {
    creche_pool_counters counters;
    detail::check(creche_pool_get_counters(raw_.get(), &counters, sizeof counters));
    return counters;
  }
  creche_pool get() const noexcept { return raw_.get(); }

 private:
  detail::handle<creche_pool, creche_pool_release> raw_;
};

}  // namespace creche
#endif
