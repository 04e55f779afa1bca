// creche/cpp/transaction.hpp: a coroutine as the body of a transaction of a pool.
#ifndef CRECHE_CPP_TRANSACTION_HPP
#define CRECHE_CPP_TRANSACTION_HPP

#include "connection.hpp"
#include "root.hpp"

namespace creche::detail {

/// The transaction while it is awaited: its body is a task of its own, a new one each time that it
/// is run again.
template <class F>
class open_transaction {
 public:
  using value_type = value_of<F&, connection&>;
  open_transaction(creche_pool pool, const transaction_options& options, F& f)
      : pool_(pool), options_(options), f_(f) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    outer_ = self.promise().on;
    self_ = self;
    body_.set_loop(outer_->loop());
    const creche_status status = with(options_, [&](const creche_transaction_options* o) {
      return creche_pool_transaction(pool_, outer_->scope(), &open_transaction::body, this, o,
                                     &open_transaction::ended, this, nullptr);
    });
    if (status != CRECHE_OK) failure_ = error::last(status);
    return status == CRECHE_OK;
  }
  value_type await_resume() {
    // What the body threw is the failure, unless the library knows a better one, of the commit.
    if (failure_ && !(body_.thrown() && body_.told().status() == failure_.status())) {
      if constexpr (is_result<value_type>)
        return std::move(failure_);
      else
        raise(std::move(failure_));
    }
    return body_.take();
  }

 private:
  class body_root final : public root<value_type> {};

  static void body(void* user, const creche_completion* c) noexcept {
    if (c->kind != CRECHE_BEGIN) return;
    open_transaction* const self = static_cast<open_transaction*>(user);
    self->connection_ = connection(creche_connection{c->value}, false);
    self->body_.reset();
    self->body_.begin(c->task, [self] { return self->f_(self->connection_); });
  }
  static void ended(void* user, const creche_completion* c) noexcept {
    open_transaction* const self = static_cast<open_transaction*>(user);
    if (c->status != CRECHE_OK) self->failure_ = error(c->status, c->error);
    self->outer_->run(self->self_);
  }

  creche_pool pool_;
  const transaction_options& options_;
  F& f_;
  body_root body_;
  connection connection_;
  strand* outer_ = nullptr;
  std::coroutine_handle<> self_;
  error failure_;
};

template <class F>
task<value_of<F&, connection&>> run_transaction(creche_pool pool, transaction_options options,
                                                F body) {
  open_transaction<F> opened(pool, options, body);
  co_return co_await opened;
}

}  // namespace creche::detail
#endif
