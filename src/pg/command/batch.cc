#include "pg/command/batch.h"

#include <new>
#include <utility>

#include "pg/command/query.h"
#include "pg/encoder.h"
#include "pg/flight.h"
#include "pg/protocol/message_reader.h"

namespace creche::pg {

Batch::Batch(size_t count, bool each, uint64_t max_bytes)
    : items_(count), each_(each), max_bytes_(max_bytes) {
  set_any_count();
}

void Batch::Encode(Encoder* encoder) const noexcept {
  encoder->Batch(*this, each_);
}

void Batch::OnColumns(const Flight& flight, RowCollector* whole) noexcept {
  if (!flight.error) whole->Begin(flight.columns);
}

size_t Batch::MaxRow(const Flight& flight, const RowCollector& whole) const noexcept {
  if (flight.error) return 0;
  const uint64_t used = bytes_ + whole.bytes();
  return max_bytes_ > used ? max_bytes_ - used + sizeof(uint16_t) : 0;
}

RowTaken Batch::OnRow(Flight* flight, const Message& row, RowCollector* whole) noexcept {
  if (flight->error) return RowTaken::kUnwanted;
  if (row.cut) return RowTaken::kTooBig;
  if (const RowTaken taken = TakenAs(whole->Append(row.body, row.size)); taken != RowTaken::kYes)
    return taken;
  const bool too_big = bytes_ + whole->bytes() > max_bytes_ || whole->rows() > max_bytes_;
  return too_big ? RowTaken::kTooBig : RowTaken::kYes;
}

void Batch::OnComplete(Flight* flight, std::string_view tag, RowCollector* whole) noexcept {
  if (flight->error) return;
  Item& item = items_[flight->steps.item()];
  try {
    item.rows = whole->Take(tag, flight->affected);
    item.affected = flight->affected;
    item.ended = true;
    bytes_ += item.rows->block()->total_size;
  } catch (const std::bad_alloc&) {
    flight->error = NoMemoryError();
  }
}

void Batch::OnItem(size_t at, ErrorRef error) noexcept {
  Item& item = items_[at];
  item.ended = true;
  if (!error) return;
  item.rows = nullptr;
  item.error = std::move(error);
}

void Batch::Clear() noexcept {
  bytes_ = 0;
  for (Item& item : items_) item = {};
}

}  // namespace creche::pg
