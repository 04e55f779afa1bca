// creche/cpp/statements.hpp: statements, as they are run by a pool and by a connection alike.
#ifndef CRECHE_CPP_STATEMENTS_HPP
#define CRECHE_CPP_STATEMENTS_HPP

#include "array.hpp"
#include "batch.hpp"
#include "operation.hpp"
#include "options.hpp"
#include "row_stream.hpp"
#include "value.hpp"

namespace creche {

/// Options of a statement: creche_query_options.
struct query_options {
  duration timeout = never;
  uint32_t flags = 0;       ///< CRECHE_QUERY_*
  uint64_t max_bytes = 0;   ///< of a whole result; 0: 256 MiB
  uint32_t max_rows = 0;    ///< 0: all
  uint32_t block_rows = 0;  ///< streams: rows in a block; 0: 4096
  uint32_t blocks = 0;      ///< streams: blocks that may be there unread; 0: 4
};

namespace detail {

/// call(const creche_query_options*), with these in C.
template <class Call>
creche_status with(const query_options& o, Call&& call) {
  auto c = defaults<creche_query_options, creche_query_options_init>();
  const creche_task_options task = in_c(o.timeout);
  c.task = &task;
  c.flags = o.flags;
  if (o.max_bytes != 0) c.max_bytes = o.max_bytes;
  if (o.block_rows != 0) c.block_rows = o.block_rows;
  if (o.blocks != 0) c.blocks = o.blocks;
  c.max_rows = o.max_rows;
  return call(static_cast<const creche_query_options*>(&c));
}

/// The functions of the C API that take a statement are alike.
template <class Raw>
using statement_call = creche_status(Raw, creche_scope, const char*, const creche_value*, size_t,
                                     const creche_query_options*, creche_done_fn, void*,
                                     creche_task*);

template <class Raw>
using many_call = creche_status(Raw, creche_scope, const char*, const creche_value*, size_t, size_t,
                                const creche_query_options*, creche_done_fn, void*, creche_task*);

/// Of = pool or connection, which has get(); Raw and the functions are the C API's.
template <class Of, class Raw, statement_call<Raw>* Query, statement_call<Raw>* Stream,
          many_call<Raw>* Many, batch_call<Raw>* Batch>
class statements {
 public:
  /// Runs one statement and gives its rows. Arguments, for $1, $2, ...: integers, floating-point
  /// numbers, bool, texts, spans and vectors of std::byte, vectors of numbers and texts (arrays),
  /// times of the system's clock, std::optional of these, nullptr, creche_value, and what
  /// `parameter` is specialised for.
  template <class... A>
  auto query(ctext sql, const A&... arguments) {
    return start(query_options{}, take_rows(), sql, arguments...);
  }
  template <class... A>
  auto query(query_options options, ctext sql, const A&... arguments) {
    return start(options, take_rows(), sql, arguments...);
  }
  template <class... A>
  auto try_query(ctext sql, const A&... arguments) {
    return query(sql, arguments...).as_result();
  }
  template <class... A>
  auto try_query(query_options options, ctext sql, const A&... arguments) {
    return query(options, sql, arguments...).as_result();
  }
  /// The same for a statement whose rows are not wanted: how many it has changed.
  template <class... A>
  auto execute(ctext sql, const A&... arguments) {
    return start(query_options{}, take_affected(), sql, arguments...);
  }
  template <class... A>
  auto execute(query_options options, ctext sql, const A&... arguments) {
    return start(options, take_affected(), sql, arguments...);
  }
  template <class... A>
  auto try_execute(ctext sql, const A&... arguments) {
    return execute(sql, arguments...).as_result();
  }
  template <class... A>
  auto try_execute(query_options options, ctext sql, const A&... arguments) {
    return execute(options, sql, arguments...).as_result();
  }
  /// The same for a statement that returns one row: its first column.
  template <class T, class... A>
  auto value(ctext sql, const A&... arguments) {
    return start(query_options{}, take_value<T>(), sql, arguments...);
  }
  /// Its rows as they come, from now on: `auto rows = db.stream("select ..."); while (auto row =
  /// co_await rows.next()) ...`. What fails is told by the first next.
  template <class... A>
  row_stream stream(ctext sql, const A&... arguments) {
    return stream(query_options{}, sql, arguments...);
  }
  template <class... A>
  row_stream stream(query_options options, ctext sql, const A&... arguments) {
    return row_stream([&](creche_scope in, creche_done_fn done, void* user, creche_task* task) {
      return with(options, [&](const creche_query_options* o) {
        return parameters<A...>(arguments...).with([&](const creche_value* values, size_t count) {
          return Stream(raw(), in, sql.c_str(), values, count, o, done, user, task);
        });
      });
    });
  }

  /// Runs one statement with many rows of parameters, all or nothing, in one round trip: a range of
  /// std::tuple (or std::pair, std::array). Gives how many rows all together have changed. Texts in
  /// them must live until the await is over.
  template <std::ranges::input_range Rows>
  auto execute_many(ctext sql, const Rows& rows) {
    using encoded = many_rows<std::ranges::range_value_t<Rows>>;
    return call(
        [raw = raw(), sql, given = encoded(rows)](creche_scope in, creche_done_fn done,
                                                  void* user) {
          return given.with([&](const creche_value* values, size_t count) {
            return Many(raw, in, sql.c_str(), values, encoded::width, count, nullptr, done, user,
                        nullptr);
          });
        },
        [](const creche_completion& c) { return static_cast<int64_t>(c.value); });
  }

  /// Runs the statements of a batch, all or nothing, in one round trip: throws the failure of the
  /// first that fails. The batch must live until the await is over.
  auto run(const batch& all, duration timeout = never) {
    return call(batch_start(all, 0, timeout),
                [](const creche_completion& c) { return batch_results(c); });
  }
  /// The same, each for itself: one that fails does not touch the others, and is a result. What
  /// keeps all of them from being run is thrown.
  auto run_separately(const batch& all, duration timeout = never) {
    return separate_batch(batch_start(all, CRECHE_BATCH_SEPARATE, timeout));
  }

 protected:
  ~statements() = default;

 private:
  Raw raw() const { return static_cast<const Of*>(this)->get(); }
  auto batch_start(const batch& all, uint32_t flags, duration timeout) {
    return [raw = raw(), &all, flags, timeout](creche_scope in, creche_done_fn done, void* user) {
      return with_batch_options(flags, timeout, [&](const creche_batch_options* o) {
        return all.with([&](const creche_batch_item* items, size_t count) {
          return Batch(raw, in, items, count, o, done, user, nullptr);
        });
      });
    };
  }
  template <class Take, class... A>
  auto start(const query_options& options, Take take, ctext sql, const A&... arguments) {
    return call(
        [raw = raw(), options, sql, given = parameters<A...>(arguments...)](
            creche_scope in, creche_done_fn done, void* user) {
          return with(options, [&](const creche_query_options* o) {
            return given.with([&](const creche_value* values, size_t count) {
              return Query(raw, in, sql.c_str(), values, count, o, done, user, nullptr);
            });
          });
        },
        take);
  }
};

}  // namespace detail

}  // namespace creche
#endif
