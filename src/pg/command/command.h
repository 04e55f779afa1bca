// Command: what is sent to the server as one unit, up to a synchronization point of its own, and
// who takes the answer. Derive from it; the connection links it into its queue and never owns it.
// Loop's thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "core/list.h"
#include "pg/protocol/answer_steps.h"
#include "pg/rows/row_builder.h"
#include "pg/rows/rows.h"
#include "pg/sql/statement.h"

namespace creche::pg {

class Encoder;
struct Flight;
struct Message;
class Wire;

// How a command ended.
struct Ending {
  ErrorRef error = {};    // null: well
  Ref<Rows> rows = {};    // of the last statement; null if it failed, or of a script
  int64_t affected = -1;  // rows that the last statement changed or returned; -1: it does not say
  bool unsent = false;    // nothing of it has reached the server
  bool undone = false;    // it failed for no fault of its own (hit by the cancel of another, or its
                          // prepared statement was gone) and has left no trace: run it again
  bool answered = false;  // the server has said how it ended
  bool inside = false;    // a transaction was open when it had ended
  size_t done = 0;        // statements of it that had ended well
  bool partial = false;   // rows that came after it was cancelled were thrown away
  size_t behind = 0;  // nobody waited for its answer any more: so many in flight are not behind it
};

// What has become of a row.
enum class RowTaken : uint8_t { kYes, kUnwanted, kTooBig, kNoMemory, kMalformed };

class Command : public ListNode<Command> {
 public:
  virtual ~Command() = default;

  // ---- What is sent ----
  // Streams and scripts have the connection to themselves.
  virtual bool alone() const noexcept { return false; }
  // Its turn to be sent, and the last moment to Run what it needs. in_transaction: one may be open
  // where it stands. False: it is not sent, but ends as unsent, with *failed.
  virtual bool OnTurn(bool /*in_transaction*/, ErrorRef* /*failed*/) noexcept { return true; }
  // Writes its statements; the encoder notes what the server will answer.
  virtual void Encode(Encoder* encoder) const noexcept = 0;

  // It was sent, and is alone: what it has to send later goes out there, until it ends.
  virtual void OnSent(Wire* /*wire*/) noexcept {}
  // The server awaits what is copied to it, of so many columns. False: this is none of those that
  // can.
  virtual bool OnCopyIn(Flight* /*flight*/, size_t /*columns*/) noexcept { return false; }
  // The server sends what it copies: each piece comes as a row. False: as above.
  virtual bool OnCopyOut(Flight* /*flight*/) noexcept { return false; }
  // The server has refused it, and takes no more.
  virtual void OnError() noexcept {}
  // Of one that is only described: the types of its parameters, as the server lists them.
  virtual void OnTypes(const char* /*oids*/, size_t /*count*/) noexcept {}
  // One of several with a synchronization point of its own has ended; its rows were taken.
  virtual void OnItem(size_t /*item*/, ErrorRef /*error*/) noexcept {}
  // It is to be stopped. True if it has told the server so itself, in what it sends: a request to
  // cancel it follows only if that is not enough.
  virtual bool OnStop() noexcept { return false; }

  // ---- Who takes the answer: to its last statement ----
  // whole: where the results of a connection are collected that are taken as a whole.
  // Rows of flight.columns may come.
  virtual void OnColumns(const Flight& /*flight*/, RowCollector* /*whole*/) noexcept {}
  // A longer row comes as an empty message: it need not be kept.
  virtual size_t MaxRow(const Flight& /*flight*/, const RowCollector& /*whole*/) const noexcept {
    return 0;
  }
  virtual RowTaken OnRow(Flight* /*flight*/, const Message& /*row*/,
                         RowCollector* /*whole*/) noexcept {
    return RowTaken::kUnwanted;
  }
  // Its last statement has ended well, with this tag.
  virtual void OnComplete(Flight* /*flight*/, std::string_view /*tag*/,
                          RowCollector* /*whole*/) noexcept {}
  // What the server has said so far was taken. True if rows are awaited that are taken as they
  // come.
  virtual bool OnRead(const Flight& /*flight*/) noexcept { return false; }
  // The end. It may be submitted again, or destroyed, inside.
  virtual void OnEnd(Ending ending) noexcept = 0;

  // ---- By its owner, before it is submitted ----
  // A command of more statements fails, unsent. (One of AnswerSteps' is the encoder's own.)
  static constexpr size_t kMostStatements = AnswerSteps::kMaxStatements - 1;
  // What to run. The statements must live until the end.
  void Run(const Statement* statement) noexcept {
    one_ = statement;
    statements_ = &one_;
    count_ = 1;
  }
  void Run(const Statement* const* statements, size_t count) noexcept {
    statements_ = statements;
    count_ = count;
  }
  // False: it is not kept as a prepared statement.
  void set_prepare(bool prepare) noexcept { prepare_ = prepare; }
  // The server ends its last statement behind so many rows; 0: it does not.
  void set_max_rows(uint32_t rows) noexcept { max_rows_ = rows; }
  // It may have any number of statements.
  void set_any_count() noexcept { any_count_ = true; }
  // What its errors are about.
  void set_phase(Phase phase) noexcept { phase_ = phase; }
  // It is never cancelled on the server once it was sent.
  void set_firm() noexcept { firm_ = true; }
  // It opens a transaction in which what follows is to happen: so nothing is sent behind it before
  // the server has said that it is open.
  void set_opens() noexcept { opens_ = true; }
  // It ends the transaction, however it goes: if the server has not begun to, it is sent again.
  void set_ends(bool ends) noexcept { ends_ = ends; }
  // It only makes a transaction fail.
  void set_breaks(bool breaks) noexcept { breaks_ = breaks; }
  // Once it was sent, closing the connection waits for its answer instead of cancelling it.
  void set_shielded(bool shielded) noexcept { shielded_ = shielded; }

  // ---- For the connection ----
  const Statement& statement(size_t index) const noexcept { return *statements_[index]; }
  const Statement* const* statements() const noexcept { return statements_; }
  size_t count() const noexcept { return count_; }
  bool prepare() const noexcept { return prepare_; }
  uint32_t max_rows() const noexcept { return max_rows_; }
  bool too_many() const noexcept { return count_ > kMostStatements && !any_count_; }
  Phase phase() const noexcept { return phase_; }
  bool firm() const noexcept { return firm_; }
  bool opens() const noexcept { return opens_; }
  bool breaks() const noexcept { return breaks_; }
  bool shielded() const noexcept { return shielded_; }
  bool ends() const noexcept { return ends_; }
  // True if it was sent before, and the server has not begun with it.
  bool returned() const noexcept { return returns_ > 0; }
  // True if it is back in the queue for that.
  bool again() const noexcept { return again_; }

 private:
  friend class Connection;
  const Statement* one_ = nullptr;
  const Statement* const* statements_ = nullptr;
  size_t count_ = 0;
  uint32_t max_rows_ = 0;
  bool any_count_ = false;
  Phase phase_ = Phase::kQuery;
  bool prepare_ = true;
  bool shielded_ = false;
  bool firm_ = false;
  bool opens_ = false;
  bool ends_ = false;
  bool again_ = false;   // back in the queue, because the server has not begun with it
  uint8_t returns_ = 0;  // how often it was
  bool breaks_ = false;
};

}  // namespace creche::pg
