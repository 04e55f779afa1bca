// Request: a statement (or a few that share their fate) on its way through a connection. Derive
// from it; the connection links it into its queues and never owns it. Loop's thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "pg/row_builder.h"
#include "pg/rows.h"
#include "pg/statement.h"

namespace creche::pg {

// How a request ended.
struct Reply {
  ErrorRef error = {};    // null: well
  Ref<Rows> rows = {};    // of the last statement; null if it failed, or of a script
  int64_t affected = -1;  // rows that the last statement changed or returned; -1: it does not say
  bool unsent = false;    // nothing of it has reached the server
  bool undone = false;    // it failed for no fault of its own (hit by the cancel of another, or its
                          // prepared statement was gone) and has left no trace: run it again
  bool answered = false;  // the server has said how it ended
  bool inside = false;    // a transaction was open when it had ended
  bool partial = false;   // rows that came after it was cancelled were thrown away
};

class Request {
 public:
  enum class Shape : uint8_t {
    kRows,    // one result, whole
    kStream,  // one result, as it comes; alone on its connection
    kScript,  // many statements in one text, without parameters; alone on its connection
  };
  virtual ~Request() = default;
  // The end. It may be submitted again, or destroyed, inside.
  virtual void OnReply(Reply reply) noexcept = 0;
  // A stream's rows have come, as many as fit or as there are now: they are in its collector.
  virtual void OnRows() noexcept {}
  // If it is set_late: its turn to be sent; Run what it needs. in_transaction: one may be open
  // where it stands. False: it is not sent, but ends as unsent, with *failed.
  virtual bool OnSend(bool /*in_transaction*/, ErrorRef* /*failed*/) noexcept { return true; }

 protected:
  explicit Request(Shape shape) : shape_(shape) {}
  // What to run, at most AnswerSteps::kMaxStatements. The statements must live until the reply.
  void Run(const Statement* statement) noexcept {
    one_ = statement;
    statements_ = &one_;
    count_ = 1;
  }
  void Run(const Statement* const* statements, size_t count) noexcept {
    statements_ = statements;
    count_ = count;
  }
  // A result that is bigger is CRECHE_E_LIMIT.
  void set_max_bytes(uint64_t max) noexcept { max_bytes_ = max; }
  // A stream's: where its rows are collected, until the reply.
  void set_collector(RowCollector* collector) noexcept { collector_ = collector; }
  // False: it is not kept as a prepared statement.
  void set_prepare(bool prepare) noexcept { prepare_ = prepare; }
  // What its errors are about.
  void set_phase(Phase phase) noexcept { phase_ = phase; }
  void set_late() noexcept { late_ = true; }
  // It is never cancelled on the server once it was sent.
  void set_firm() noexcept { firm_ = true; }
  // It opens a transaction in which what follows is to happen: so nothing is sent behind it before
  // the server has said that it is open.
  void set_opens() noexcept { opens_ = true; }
  // It ends the transaction, however it goes: if the server has not begun to, it is sent again.
  void set_ends(bool ends) noexcept { ends_ = ends; }
  // True if it was sent before, and the server has not begun with it.
  bool returned() const noexcept { return returns_ > 0; }
  // It only makes a transaction fail.
  void set_breaks(bool breaks) noexcept { breaks_ = breaks; }
  // Once it was sent, closing the connection waits for its answer instead of cancelling it.
  void set_shielded(bool shielded) noexcept { shielded_ = shielded; }

 private:
  friend class Connection;
  enum class State : uint8_t { kNone, kQueued, kSent };
  const Shape shape_;
  State state_ = State::kNone;
  Phase phase_ = Phase::kQuery;
  bool prepare_ = true;
  bool shielded_ = false;
  bool late_ = false;
  bool firm_ = false;
  bool opens_ = false;
  bool ends_ = false;
  bool again_ = false;   // back in the queue, because the server has not begun with it
  uint8_t returns_ = 0;  // how often it was
  bool breaks_ = false;
  Request* next_ = nullptr;  // in the queue
  Request* prev_ = nullptr;
  const Statement* one_ = nullptr;
  const Statement* const* statements_ = nullptr;
  size_t count_ = 0;
  RowCollector* collector_ = nullptr;
  uint64_t max_bytes_ = UINT64_MAX;
};

}  // namespace creche::pg
