#include "pg/command/copy_out.h"

#include "pg/encoder.h"
#include "pg/flight.h"
#include "pg/protocol/message_reader.h"
#include "pg/wire/wire.h"

namespace creche::pg {

namespace {

bool Wanted(const Flight& flight) noexcept {
  return !flight.error && !flight.cancelled;
}

}  // namespace

void CopyOut::Encode(Encoder* encoder) const noexcept {
  encoder->Copy(statement(0));
}

// The server awaits what there is none of.
bool CopyOut::OnCopyIn(Flight* flight, size_t /*columns*/) noexcept {
  static constexpr std::string_view kWhy =
      "this COPY takes what is copied from the client: call creche_pool_copy_in";
  char* room = wire_->Reserve(MessageWriter::kMostCopy + kWhy.size());
  if (!room) return false;
  MessageWriter out(room);
  out.CopyFail(kWhy);
  wire_->Commit(static_cast<size_t>(out.end() - room));
  flight->error = MakeError(Status::kInvalid, Phase::kQuery, kWhy);
  return true;
}

bool CopyOut::OnCopyOut(Flight*) noexcept {
  return true;
}

size_t CopyOut::MaxRow(const Flight& flight, const RowCollector&) const noexcept {
  return Wanted(flight) ? MessageReader::kMaxRow : 0;
}

RowTaken CopyOut::OnRow(Flight* flight, const Message& piece, RowCollector*) noexcept {
  // Rows: it was no COPY after all, or a rule has made something else of it.
  if (piece.type != Backend::kCopyData) return RowTaken::kUnwanted;
  if (!Wanted(*flight)) {
    flight->partial = true;
    return RowTaken::kUnwanted;
  }
  if (piece.cut) return RowTaken::kTooBig;
  if (!bytes_.Append(piece.body, piece.size)) return RowTaken::kNoMemory;
  if (full()) OnPiece();
  return RowTaken::kYes;
}

void CopyOut::OnComplete(Flight*, std::string_view, RowCollector*) noexcept {}

bool CopyOut::OnRead(const Flight& flight) noexcept {
  if (!Wanted(flight)) return false;
  if (!bytes_.empty()) OnPiece();
  return true;
}

}  // namespace creche::pg
