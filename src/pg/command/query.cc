#include "pg/command/query.h"

#include <new>

#include "pg/encoder.h"
#include "pg/flight.h"
#include "pg/protocol/message_reader.h"

namespace creche::pg {

namespace {

// The rows of all but the last are thrown away. Also of one that was cancelled they are kept: it
// may have been too late for that.
bool Wanted(const Flight& flight) noexcept {
  return !flight.error && flight.steps.last();
}

}  // namespace

RowTaken TakenAs(RowCollector::Added added) noexcept {
  if (added == RowCollector::Added::kOk) return RowTaken::kYes;
  return added == RowCollector::Added::kNoMemory ? RowTaken::kNoMemory : RowTaken::kMalformed;
}

ErrorRef TooBigError() noexcept {
  return MakeError(Status::kLimit, Phase::kQuery,
                   "the result is bigger than max_bytes: use a stream or a LIMIT");
}

void Query::Encode(Encoder* encoder) const noexcept {
  encoder->Statements(*this);
  encoder->flight().hash = statement(0).hash();
}

void Query::OnColumns(const Flight& flight, RowCollector* whole) noexcept {
  if (Wanted(flight)) whole->Begin(flight.columns);
}

size_t Query::MaxRow(const Flight& flight, const RowCollector& whole) const noexcept {
  if (!Wanted(flight)) return 0;
  // In a block a row takes more than on the wire, but for the number of its columns.
  const uint64_t used = whole.bytes();
  return max_bytes_ > used ? max_bytes_ - used + sizeof(uint16_t) : 0;
}

RowTaken Query::OnRow(Flight* flight, const Message& row, RowCollector* whole) noexcept {
  if (!Wanted(*flight)) return RowTaken::kUnwanted;
  if (row.cut) return RowTaken::kTooBig;
  if (const RowTaken taken = TakenAs(whole->Append(row.body, row.size)); taken != RowTaken::kYes)
    return taken;
  // Rows without columns take no room, but are not to go on for ever.
  const bool too_big = whole->bytes() > max_bytes_ || whole->rows() > max_bytes_;
  return too_big ? RowTaken::kTooBig : RowTaken::kYes;
}

void Query::OnComplete(Flight* flight, std::string_view tag, RowCollector* whole) noexcept {
  if (flight->error) return;
  try {
    // The server does not count what it was stopped at.
    if (tag.empty() && whole->rows() > 0) flight->affected = static_cast<int64_t>(whole->rows());
    flight->rows = whole->Take(tag, flight->affected);
    if (flight->rows->block()->total_size <= max_bytes_) return;
    flight->rows = nullptr;
    flight->error = TooBigError();
  } catch (const std::bad_alloc&) {
    flight->error = NoMemoryError();
  }
}

}  // namespace creche::pg
