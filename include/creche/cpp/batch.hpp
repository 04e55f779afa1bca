// creche/cpp/batch.hpp: several statements in one go, and one with many rows of parameters.
#ifndef CRECHE_CPP_BATCH_HPP
#define CRECHE_CPP_BATCH_HPP

#include <deque>
#include <ranges>

#include "handle.hpp"
#include "operation.hpp"
#include "options.hpp"
#include "rows.hpp"
#include "value.hpp"

namespace creche {

/// Statements for `run` of pools and connections: `creche::batch all; all.add("insert ...", 1);`.
/// It has copies of everything.
class batch {
  struct item {
    std::string sql;
    std::vector<creche_value> values;
    std::deque<std::string> bytes;  // which stay where they are
    void keep(creche_value v) {
      if (v.data != nullptr)
        v.data = bytes.emplace_back(static_cast<const char*>(v.data), v.size).data();
      values.push_back(v);
    }
  };

 public:
  template <class... A>
  batch& add(ctext sql, const A&... arguments) {
    item& added = items_.emplace_back();
    added.sql = sql.c_str();
    const detail::parameters<A...> given(arguments...);
    given.with([&](const creche_value* values, size_t count) {
      for (size_t i = 0; i < count; i++) added.keep(values[i]);
      return CRECHE_OK;
    });
    return *this;
  }
  size_t size() const { return items_.size(); }

  /// call(const creche_batch_item*, size_t).
  template <class Call>
  creche_status with(Call&& call) const {
    std::vector<creche_batch_item> items;
    items.reserve(items_.size());
    for (const item& one : items_)
      items.push_back({one.sql.c_str(), one.values.data(), one.values.size()});
    return call(items.data(), items.size());
  }

 private:
  std::deque<item> items_;
};

/// What became of one statement of a batch: a view into the batch_results.
class batch_result {
 public:
  explicit batch_result(const creche_batch_result& raw) : raw_(&raw) {}
  /// CRECHE_BATCH_DONE, ...
  uint32_t state() const { return raw_->state; }
  explicit operator bool() const { return raw_->state == CRECHE_BATCH_DONE; }
  /// How many rows it has changed or returned; -1: it does not say, or is not done.
  int64_t affected() const { return raw_->affected; }
  /// Its rows, if it is done.
  creche::rows rows() const { return creche::rows::view(raw_->rows); }
  /// Why it failed, if it did.
  creche::error error() const {
    return raw_->error != nullptr ? creche::error(raw_->error->status, raw_->error)
                                  : creche::error();
  }

 private:
  const creche_batch_result* raw_;
};

/// What became of the statements of a batch, in their order. Moves only.
class batch_results {
 public:
  batch_results() = default;
  explicit batch_results(const creche_completion& c)
      : held_(detail::any_value{c.value}),
        results_(static_cast<const creche_batch_result*>(c.data),
                 c.data_size / sizeof(creche_batch_result)) {}
  size_t size() const { return results_.size(); }
  batch_result operator[](size_t number) const { return batch_result(results_[number]); }

 private:
  detail::held_value held_;
  std::span<const creche_batch_result> results_;
};

namespace detail {

template <class Raw>
using batch_call = creche_status(Raw, creche_scope, const creche_batch_item*, size_t,
                                 const creche_batch_options*, creche_done_fn, void*, creche_task*);

/// call(const creche_batch_options*).
template <class Call>
creche_status with_batch_options(uint32_t flags, duration timeout, Call&& call) {
  auto o = defaults<creche_batch_options, creche_batch_options_init>();
  const creche_task_options task = in_c(timeout);
  o.flags = flags;
  o.task = &task;
  return call(static_cast<const creche_batch_options*>(&o));
}

/// A batch of which the failure of one is a result.
template <class Start>
class separate_batch {
 public:
  explicit separate_batch(Start start) : start_(std::move(start)) {}
  using value_type = batch_results;

  class awaiter : public waiting {
   public:
    explicit awaiter(Start start) : start_(std::move(start)) {}
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
      return begin(*self.promise().on, self, start_);
    }
    batch_results await_resume() {
      if (failed() && !told()) raise(failure());
      return batch_results(completion());
    }

   private:
    Start start_;
  };
  awaiter operator co_await() && { return awaiter(std::move(start_)); }

 private:
  Start start_;
};

/// Many rows, encoded, until the call that copies them. Row: what std::tuple_size knows.
template <class Row>
class many_rows {
  template <class... A>
  static auto encoded(const A&... a) {
    return std::tuple(encode(a)...);
  }
  static auto encoded_row(const Row& row) {
    return std::apply([](const auto&... a) { return encoded(a...); }, row);
  }

 public:
  static constexpr size_t width = std::tuple_size_v<Row>;
  template <class Rows>
  explicit many_rows(const Rows& rows) {
    for (const Row& row : rows) rows_.push_back(encoded_row(row));
  }
  /// call(const creche_value*, size_t rows).
  template <class Call>
  creche_status with(Call&& call) const {
    std::vector<creche_value> values;
    values.reserve(rows_.size() * width);
    for (const auto& row : rows_)
      std::apply([&](const auto&... v) { (values.push_back(in_c(v)), ...); }, row);
    return call(values.data(), rows_.size());
  }

 private:
  std::vector<decltype(encoded_row(std::declval<const Row&>()))> rows_;
};

}  // namespace detail

}  // namespace creche
#endif
