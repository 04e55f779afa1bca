#include "pg/command/copy_in.h"

#include <algorithm>
#include <utility>

#include "pg/encoder.h"
#include "pg/flight.h"

namespace creche::pg {

void CopyIn::Encode(Encoder* encoder) const noexcept {
  encoder->Copy(statement(0));
}

void CopyIn::OnSent(Wire* wire) noexcept {
  wire_ = wire;
  open_ = asked_ = stopped_ = false;
}

bool CopyIn::OnCopyIn(Flight*, size_t) noexcept {
  open_ = asked_ = true;
  // The request to cancel it came too early.
  if (stopped_) return static_cast<void>(GiveUp("cancelled")), true;
  OnWanted();
  return true;
}

bool CopyIn::OnCopyOut(Flight* flight) noexcept {
  flight->error = MakeError(Status::kInvalid, Phase::kQuery,
                            "this COPY has a result: call creche_pool_copy_out");
  return true;
}

bool CopyIn::OnStop() noexcept {
  stopped_ = true;
  return open_ && GiveUp("cancelled");
}

void CopyIn::Close() noexcept {
  open_ = false;
  piece_ = {};
  if (wire_) wire_->AwaitDrain(nullptr);
  wire_ = nullptr;
}

void CopyIn::Give(std::string piece, bool more) noexcept {
  piece_ = std::move(piece);
  fed_ = 0;
  has_piece_ = true;
  more_ = more;
  Feed();
}

bool CopyIn::GiveUp(std::string_view why) noexcept {
  if (!open_) return true;
  constexpr size_t kMost = 1000;
  why = why.substr(0, kMost);
  Wire* const wire = wire_;
  Close();
  char* room = wire->Reserve(MessageWriter::kMostCopy + why.size());
  if (!room) return false;
  MessageWriter out(room);
  out.CopyFail(why);
  wire->Commit(static_cast<size_t>(out.end() - room));
  return true;
}

void CopyIn::OnDrained() noexcept {
  if (!open_) return;
  if (has_piece_) return Feed();
  piece_ = {};
  fed_ = 0;
  OnWanted();
}

void CopyIn::Feed() noexcept {
  constexpr size_t kMost = 64 * 1024;
  if (!open_) return;
  const size_t size = std::min(piece_.size() - fed_, kMost);
  const bool last = fed_ + size == piece_.size();
  char* room = wire_->Reserve(2 * MessageWriter::kMostCopy + size);
  if (!room) return wire_->AwaitDrain(this);  // there may be memory later
  MessageWriter out(room);
  if (size > 0) out.CopyData({piece_.data() + fed_, size});
  fed_ += size;
  has_piece_ = !last;
  Wire* const wire = wire_;
  if (last && !more_) {
    out.CopyDone();
    Close();
  }
  wire->Commit(static_cast<size_t>(out.end() - room));
  if (open_) wire->AwaitDrain(this);
}

}  // namespace creche::pg
