#include "pg/command/copy_rows.h"

#include "pg/encoder.h"
#include "pg/flight.h"

namespace creche::pg {

void CopyRows::Encode(Encoder* encoder) const noexcept {
  encoder->CopyDescribed(*this);
}

void CopyRows::OnSent(Wire* wire) noexcept {
  CopyIn::OnSent(wire);
  columns_ = nullptr;
  skips_ = nullptr;
}

void CopyRows::OnColumns(const Flight& flight, RowCollector*) noexcept {
  columns_ = flight.columns;
}

bool CopyRows::OnCopyIn(Flight* flight, size_t columns) noexcept {
  copied_ = columns;
  return CopyIn::OnCopyIn(flight, columns);
}

// Behind an error in the description the server skips all, the COPY too; behind one in the COPY it
// goes on by itself.
void CopyRows::OnError() noexcept {
  Wire* const on = wire();
  Close();
  if (columns_ || !on || Sync(on)) return;
  skips_ = on;  // there may be memory later
  on->AwaitDrain(this);
}

void CopyRows::OnDrained() noexcept {
  if (!skips_) return CopyIn::OnDrained();
  if (Sync(skips_))
    skips_ = nullptr;
  else
    skips_->AwaitDrain(this);
}

bool CopyRows::Sync(Wire* wire) noexcept {
  constexpr size_t kMost = 8;
  char* const room = wire->Reserve(kMost);
  if (!room) return false;
  MessageWriter out(room);
  out.Sync();
  wire->Commit(static_cast<size_t>(out.end() - room));
  return true;
}

}  // namespace creche::pg
