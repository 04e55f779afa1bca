// CopyRows: COPY ... FROM STDIN of rows whose columns are described in the same flight, in front of
// it. The description holds a lock on the table until the end of the transaction, so what it says
// holds as long as rows are sent. Statements: the one to be described, and the COPY.
#pragma once
#include "pg/command/copy_in.h"

namespace creche::pg {

class CopyRows : public CopyIn {
 public:
  void Encode(Encoder* encoder) const noexcept override;
  void OnSent(Wire* wire) noexcept override;
  void OnColumns(const Flight& flight, RowCollector* whole) noexcept override;
  bool OnCopyIn(Flight* flight, size_t columns) noexcept override;
  void OnError() noexcept override;

  // As described; not null once rows are asked for.
  const RowDescription& columns() const noexcept { return *columns_; }
  // How many of them are copied.
  size_t copied() const noexcept { return copied_; }

 private:
  void OnDrained() noexcept override;
  bool Sync(Wire* wire) noexcept;
  Ref<const RowDescription> columns_;
  size_t copied_ = 0;
  Wire* skips_ = nullptr;  // where the server skips what comes, until it is told to go on
};

}  // namespace creche::pg
