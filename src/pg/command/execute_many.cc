#include "pg/command/execute_many.h"

#include <algorithm>
#include <cstring>

#include "pg/command/query.h"
#include "pg/encoder.h"
#include "pg/flight.h"
#include "pg/protocol/message_reader.h"
#include "pg/protocol/message_writer.h"

namespace creche::pg {

namespace {

constexpr size_t kPiece = 64 * 1024;
constexpr size_t kMostSync = 8;
// A syntax error costs the server least, and stands in its log as it is written here.
constexpr std::string_view kBreak = "this statement with many rows was stopped before its end";

// True if a row can be sent as one of the types that were declared for another one.
bool Fits(const Statement& row, const Statement& declared) noexcept {
  if (row.count() != declared.count()) return false;
  if (row.count() == 0 ||
      std::memcmp(row.types(), declared.types(), row.count() * sizeof(uint32_t)) == 0)
    return true;
  std::string_view values = row.values();
  for (size_t i = 0; i < row.count(); i++) {
    const bool null = Statement::TakeValue(&values).data() == nullptr;
    // A NULL of no type is one of any type.
    if (row.types()[i] != declared.types()[i] && !(null && row.types()[i] == 0)) return false;
  }
  return true;
}

}  // namespace

void ExecuteMany::Encode(Encoder* encoder) const noexcept {
  encoder->Repeated(*this, collect_);
}

void ExecuteMany::OnSent(Wire* wire) noexcept {
  wire_ = wire;
  parsed_ = nullptr;
  columns_ = nullptr;
  rows_.Clear();
  waits_ = refused_ = synced_ = complete_ = broken_ = false;
  Resume();
}

void ExecuteMany::Resume() noexcept {
  parsed_ = nullptr;
  waits_ = false;
  next_ = NextRow();
  if (next_ || !Awaits()) return Feed();
  waits_ = true;
  OnWanted();
}

void ExecuteMany::Close() noexcept {
  if (wire_) wire_->AwaitDrain(nullptr);
  wire_ = nullptr;
}

void ExecuteMany::OnDrained() noexcept {
  if (!refused_) return waits_ ? OnWanted() : Feed();
  // Without it the server would skip what comes for ever.
  if (wire_ && !synced_ && !Sync(false)) wire_->AwaitDrain(this);
}

void ExecuteMany::Feed() noexcept {
  if (!wire_ || synced_) return;
  const auto most = [this](const Statement* row) {
    return (row ? MessageWriter::Most(*row, forms_.size()) : 0) + kMostSync;
  };
  const size_t room = std::max(kPiece, most(next_));
  char* const begin = wire_->Reserve(room);
  if (!begin) return wire_->AwaitDrain(this);  // there may be memory later
  MessageWriter out(begin);
  while (next_ && static_cast<size_t>(out.end() - begin) + most(next_) <= room) {
    if (!parsed_ || !Fits(*next_, *parsed_)) {
      out.Parse({}, *next_);
      parsed_ = next_;
    }
    out.Bind({}, *next_, forms_.empty() ? nullptr : &forms_);
    if (collect_) out.DescribePortal();
    out.Execute();
    next_ = NextRow();
  }
  waits_ = !next_ && Awaits();
  if (!next_ && !waits_) {
    out.Sync();
    synced_ = complete_ = true;
  }
  Wire* const wire = wire_;
  wire->Commit(static_cast<size_t>(out.end() - begin));
  if (wire_ && !synced_) wire->AwaitDrain(this);
}

bool ExecuteMany::Sync(bool breaks) noexcept {
  if (!wire_ || synced_) return false;
  char* const begin = wire_->Reserve(kBreak.size() + 64);
  if (!begin) return false;
  MessageWriter out(begin);
  if (breaks) out.Parse({}, kBreak);
  out.Sync();
  synced_ = true;
  broken_ = breaks;
  Wire* const wire = wire_;
  wire->AwaitDrain(nullptr);
  wire->Commit(static_cast<size_t>(out.end() - begin));
  return true;
}

// It skips what comes, up to the end.
void ExecuteMany::OnError() noexcept {
  refused_ = true;
  OnDrained();
}

bool ExecuteMany::OnStop() noexcept {
  return Sync(true);
}

void ExecuteMany::OnColumns(const Flight& flight, RowCollector*) noexcept {
  if (!collect_ || flight.error || columns_.get() == flight.columns.get()) return;
  if (rows_.rows() > 0) return;  // of another kind, because of other types: OnRow
  columns_ = flight.columns;
  rows_.Begin(columns_);
}

size_t ExecuteMany::MaxRow(const Flight& flight, const RowCollector&) const noexcept {
  if (!collect_ || flight.error) return 0;
  const uint64_t used = rows_.bytes();
  return max_bytes_ > used ? max_bytes_ - used + sizeof(uint16_t) : 0;
}

RowTaken ExecuteMany::OnRow(Flight* flight, const Message& row, RowCollector*) noexcept {
  if (!collect_ || flight->error) return RowTaken::kUnwanted;
  if (row.cut || columns_.get() != flight->columns.get()) return RowTaken::kTooBig;
  if (const RowTaken taken = TakenAs(rows_.Append(row.body, row.size)); taken != RowTaken::kYes)
    return taken;
  const bool too_big = rows_.bytes() > max_bytes_ || rows_.rows() > max_bytes_;
  return too_big ? RowTaken::kTooBig : RowTaken::kYes;
}

void ExecuteMany::OnComplete(Flight* flight, std::string_view, RowCollector*) noexcept {
  OnRowDone(flight->steps.item(), flight->affected);
}

}  // namespace creche::pg
