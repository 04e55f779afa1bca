#include "pg/command/row_stream.h"

#include "pg/command/query.h"
#include "pg/encoder.h"
#include "pg/flight.h"
#include "pg/protocol/message_reader.h"

namespace creche::pg {

namespace {

bool Wanted(const Flight& flight) noexcept {
  return !flight.error && !flight.cancelled;
}

}  // namespace

void RowStream::Encode(Encoder* encoder) const noexcept {
  encoder->Statements(*this);
}

void RowStream::OnColumns(const Flight& flight, RowCollector*) noexcept {
  if (Wanted(flight)) rows_.Begin(flight.columns);
}

size_t RowStream::MaxRow(const Flight& flight, const RowCollector&) const noexcept {
  return Wanted(flight) ? MessageReader::kMaxRow : 0;
}

RowTaken RowStream::OnRow(Flight* flight, const Message& row, RowCollector*) noexcept {
  if (!Wanted(*flight)) {
    flight->partial = true;
    return RowTaken::kUnwanted;
  }
  if (row.cut) return RowTaken::kTooBig;
  if (const RowTaken taken = TakenAs(rows_.Append(row.body, row.size)); taken != RowTaken::kYes)
    return taken;
  if (rows_.full()) OnRows();
  return RowTaken::kYes;
}

bool RowStream::OnRead(const Flight& flight) noexcept {
  if (!Wanted(flight)) return false;
  // Rows that have not filled a block yet.
  if (rows_.rows() > 0) OnRows();
  return true;
}

}  // namespace creche::pg
