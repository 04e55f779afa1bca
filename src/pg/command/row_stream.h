// RowStream: one statement whose rows are handed out as they come.
#pragma once
#include "pg/command/command.h"

namespace creche::pg {

class RowStream : public Command {
 public:
  // full_rows, full_bytes: of a block.
  RowStream(uint64_t full_rows, uint64_t full_bytes) : rows_(full_rows, full_bytes) {}
  RowCollector& rows() noexcept { return rows_; }

  bool alone() const noexcept override { return true; }
  void Encode(Encoder* encoder) const noexcept override;
  void OnColumns(const Flight& flight, RowCollector* whole) noexcept override;
  size_t MaxRow(const Flight& flight, const RowCollector& whole) const noexcept override;
  RowTaken OnRow(Flight* flight, const Message& row, RowCollector* whole) noexcept override;
  bool OnRead(const Flight& flight) noexcept override;

 private:
  // Rows have come, as many as fit or as there are now.
  virtual void OnRows() noexcept = 0;
  RowCollector rows_;
};

}  // namespace creche::pg
