// ExecuteMany: one statement with many rows of parameters, in one flight with one synchronization
// point: all or nothing. Rows are sent piece by piece, whenever the last one has gone out, until
// the server refuses one. Whoever stops it has the server fail instead of commit.
#pragma once
#include "pg/command/command.h"
#include "pg/wire/wire.h"

namespace creche::pg {

class ExecuteMany : public Command, private Wire::Drain {
 public:
  // collect: the rows that it returns are wanted, so many bytes at the most.
  ExecuteMany(bool collect, uint64_t max_bytes) : collect_(collect), max_bytes_(max_bytes) {}
  ~ExecuteMany() override { Close(); }
  bool alone() const noexcept override { return true; }
  void Encode(Encoder* encoder) const noexcept override;
  void OnSent(Wire* wire) noexcept override;
  void OnError() noexcept override;
  bool OnStop() noexcept override;
  void OnColumns(const Flight& flight, RowCollector* whole) noexcept override;
  size_t MaxRow(const Flight& flight, const RowCollector& whole) const noexcept override;
  RowTaken OnRow(Flight* flight, const Message& row, RowCollector* whole) noexcept override;
  void OnComplete(Flight* flight, std::string_view tag, RowCollector* whole) noexcept override;

  // All was sent: from now on the server may commit.
  bool complete() const noexcept { return complete_; }
  // It was stopped before: the server's error is our own.
  bool broken() const noexcept { return broken_; }
  // The columns that are to come as text; empty: none.
  void set_forms(const ColumnForms* forms) { forms_ = forms ? *forms : ColumnForms(); }
  // What was collected.
  RowCollector& rows() noexcept { return rows_; }
  // It waits for rows (Awaits).
  bool waits() const noexcept { return wire_ && waits_ && !synced_; }
  // They are there, or there are none: NextRow is asked again. No row of before is looked at any
  // more.
  void Resume() noexcept;
  // There are none, and nothing is to stay: the server fails. False without memory.
  [[nodiscard]] bool Abandon() noexcept { return Sync(true); }
  // Nothing more goes out. To be called when it has ended.
  void Close() noexcept;

 private:
  // The row behind the last one; null: that was it. It lives until the next but one is asked for.
  virtual const Statement* NextRow() noexcept = 0;
  // There is none now, but there may be later: Resume follows OnWanted.
  virtual bool Awaits() noexcept { return false; }
  virtual void OnWanted() noexcept {}
  // Row number `row` is done.
  virtual void OnRowDone(size_t row, int64_t affected) noexcept = 0;
  void OnDrained() noexcept override;
  void Feed() noexcept;
  // Ends it: breaks says that the server is to fail first. False without memory.
  bool Sync(bool breaks) noexcept;

  const bool collect_;
  const uint64_t max_bytes_;
  Wire* wire_ = nullptr;
  RowCollector rows_;
  ColumnForms forms_;
  Ref<const RowDescription> columns_;
  const Statement* parsed_ = nullptr;  // the row of which the types were declared
  const Statement* next_ = nullptr;    // to be sent
  bool waits_ = false;                 // for rows, once all that was written has gone out
  bool refused_ = false;               // the server takes no more
  bool synced_ = false;
  bool complete_ = false;
  bool broken_ = false;
};

}  // namespace creche::pg
