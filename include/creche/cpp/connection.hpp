// creche/cpp/connection.hpp: one connection to PostgreSQL, for work that needs always the same.
#ifndef CRECHE_CPP_CONNECTION_HPP
#define CRECHE_CPP_CONNECTION_HPP

#include "copy.hpp"
#include "cursor.hpp"
#include "statements.hpp"
#include "temporaries.hpp"

namespace creche {

enum class isolation : uint32_t {
  session = CRECHE_ISOLATION_DEFAULT,  ///< as the session has it
  read_committed = CRECHE_READ_COMMITTED,
  repeatable_read = CRECHE_REPEATABLE_READ,
  serializable = CRECHE_SERIALIZABLE,
  read_uncommitted = CRECHE_READ_UNCOMMITTED  ///< as read_committed
};

/// Options of a transaction: creche_transaction_options.
struct transaction_options {
  duration timeout = never;
  creche::isolation isolation = creche::isolation::session;
  uint32_t retries = 0;        ///< of a pool's: how often its body runs again on 40001 and 40P01
  uint32_t flags = 0;          ///< CRECHE_TRANSACTION_*
  duration commit_timeout{0};  ///< 0: 30 s
  duration retry_delay =
      std::chrono::milliseconds(5);  ///< before the first retry; it grows; 0: none
};

namespace detail {
/// call(const creche_transaction_options*), with these in C.
template <class Call>
creche_status with(const transaction_options& o, Call&& call) {
  auto c = defaults<creche_transaction_options, creche_transaction_options_init>();
  const creche_task_options task = in_c(o.timeout);
  c.task = &task;
  c.isolation = static_cast<uint32_t>(o.isolation);
  c.retries = o.retries;
  c.flags = o.flags;
  c.retry_delay = o.retry_delay.count();
  if (o.commit_timeout != duration(0)) c.commit_timeout = o.commit_timeout.count();
  return call(static_cast<const creche_transaction_options*>(&c));
}
}  // namespace detail

/// A connection: from pool::acquire, or of a transaction, which takes it back by itself. It belongs
/// to the task or group that it was acquired in. Statements on it run one behind another.
class connection
    : public detail::statements<connection, creche_connection, creche_connection_query,
                                creche_connection_stream, creche_connection_execute_many,
                                creche_connection_batch> {
  template <auto Step>
  auto step(const transaction_options& options) {
    return call([raw = raw_, options](creche_scope in, creche_done_fn done, void* user) {
      return detail::with(options, [&](const creche_transaction_options* o) {
        return Step(raw, in, o, done, user, nullptr);
      });
    });
  }

 public:
  connection() = default;
  /// owned: it is given back at the end of this.
  connection(creche_connection raw, bool owned) : raw_(raw), owned_(owned) {}
  connection(connection&& o) noexcept
      : raw_(std::exchange(o.raw_, creche_connection{})), owned_(o.owned_) {}
  connection& operator=(connection&& o) noexcept {
    if (this != &o) {
      reset();
      raw_ = std::exchange(o.raw_, creche_connection{});
      owned_ = o.owned_;
    }
    return *this;
  }
  ~connection() { reset(); }

  /// Runs several statements, separated by semicolons.
  auto script(ctext sql) {
    return call([raw = raw_, sql](creche_scope in, creche_done_fn done, void* user) {
      return creche_connection_script(raw, in, sql.c_str(), nullptr, done, user, nullptr);
    });
  }
  /// As those of a pool.
  copy_stream copy_out(ctext sql) {
    return detail::copy_out<creche_connection, creche_connection_copy_out>(raw_, sql);
  }
  template <class F>
  task<uint64_t> copy_in(ctext sql, F&& body) {
    CRECHE_CPP_CHECK_TEMPORARY(F);
    return detail::copy_in<creche_connection, creche_connection_copy_in, std::decay_t<F>>(
        raw_, sql, std::forward<F>(body));
  }
  /// Opens a cursor for a SELECT, in a transaction (or with CRECHE_CURSOR_HOLD in flags).
  template <class... A>
  auto open_cursor(ctext name, ctext sql, const A&... arguments) {
    return open_cursor(uint32_t{0}, name, sql, arguments...);
  }
  template <class... A>
  auto open_cursor(uint32_t flags, ctext name, ctext sql, const A&... arguments) {
    return call(
        [raw = raw_, flags, name, sql, given = detail::parameters<A...>(arguments...)](
            creche_scope in, creche_done_fn done, void* user) {
          return detail::with_cursor_options(flags, never, [&](const creche_cursor_options* o) {
            return given.with([&](const creche_value* values, size_t count) {
              return creche_cursor_open(raw, in, name.c_str(), sql.c_str(), values, count, o, done,
                                        user, nullptr);
            });
          });
        },
        detail::take_cursor{raw_, name.c_str()});
  }
  /// The steps of a transaction by hand; inside of one begin makes a savepoint, which is as
  /// its transaction: other options than that was begun with fail. Neither commit nor rollback can
  /// be cancelled.
  auto begin(transaction_options options = {}) { return step<creche_connection_begin>(options); }
  auto commit(transaction_options options = {}) { return step<creche_connection_commit>(options); }
  auto rollback(transaction_options options = {}) {
    return step<creche_connection_rollback>(options);
  }
  /// Runs body(connection&), a coroutine, in a transaction (in one that is open: a savepoint),
  /// which is committed if it returns, and rolled back if it throws.
  template <class F>
  auto transaction(const transaction_options& options, F&& body) {
    CRECHE_CPP_CHECK_TEMPORARY(F);
    return run_transaction<std::decay_t<F>>(*this, options, std::forward<F>(body));
  }
  template <class F>
  auto transaction(F&& body) {
    return transaction(transaction_options{}, std::forward<F>(body));
  }

  creche_connection get() const noexcept { return raw_; }
  /// Gives it back: an open transaction is rolled back, the session is reset.
  void reset() noexcept {
    const creche_connection old = std::exchange(raw_, creche_connection{});
    if (old.id != 0 && owned_) creche_connection_release(old);
  }

 private:
  template <class F>
  static task<detail::value_of<F&, connection&>> run_transaction(connection& self,
                                                                 transaction_options options,
                                                                 F body) {
    using T = detail::value_of<F&, connection&>;
    std::exception_ptr thrown;
    std::conditional_t<std::is_void_v<T>, std::nullptr_t, std::optional<T>> value{};
    co_await self.begin(options);
    try {
      if constexpr (std::is_void_v<T>)
        co_await body(self);
      else
        value.emplace(co_await body(self));
    } catch (...) {
      thrown = std::current_exception();
    }
    bool good = !thrown;
    if constexpr (detail::is_result<T>) good = good && value->has_value();
    if (good)
      co_await self.commit(options);
    else
      static_cast<void>(co_await self.rollback(options).as_result());
    if (thrown) std::rethrow_exception(thrown);
    if constexpr (!std::is_void_v<T>) co_return *std::move(value);
  }

  creche_connection raw_{};
  bool owned_ = false;
};

namespace detail {
struct take_connection {
  connection operator()(const creche_completion& c) const {
    return {creche_connection{c.value}, true};
  }
};
}  // namespace detail

}  // namespace creche
#endif
