#include "pg/op/copy_rows_operation.h"

#include <new>
#include <utility>

#include "pg/export/copy_text.h"
#include "pg/op/copy_check.h"
#include "pg/op/not_produced.h"
#include "pg/protocol/bytes.h"
#include "pg/sql/row_pieces.h"

namespace creche::pg {

namespace {

// The signature, and no flags.
constexpr std::string_view kHead("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
constexpr std::string_view kEnd("\377\377", 2);

void AppendCount(size_t count, std::string* out) {
  char word[2];
  Store16(word, static_cast<uint16_t>(count));
  out->append(word, sizeof word);
}

}  // namespace

CopyRowsOperation::CopyRowsOperation(Connectable on, const CopyStatement& copy, ErrorRef unfit)
    : CopyOperation(std::move(on)),
      describe_(copy.describe, nullptr, 0),
      binary_(copy.binary, nullptr, 0),
      text_(copy.text, nullptr, 0),
      unfit_(unfit ? std::move(unfit) : CheckCopy(text_)) {}

ErrorRef CopyRowsOperation::Prepare() noexcept {
  if (unfit_) return unfit_;
  asking_.Run(&describe_);
  return nullptr;
}

void CopyRowsOperation::OnDescribed(Ending ending) noexcept {
  on_connection_ = connection();
  // What was only described has not run, and will not.
  if (stopping() && !ending.error) ending.answered = false;
  if (ending.error || stopping()) return OnEnd(std::move(ending));
  try {
    if (asking_.no_memory() || !asking_.columns()) throw std::bad_alloc();
    RowCollector none;
    none.Begin(asking_.columns());
    ending.rows = none.Take({}, -1);
  } catch (const std::bad_alloc&) {
    return OnEnd({.error = NoMemoryError(), .inside = ending.inside});
  }
  if (Introspection::Wanted(ending, on_connection_))
    return Introspect(on_connection_, std::move(ending), describe_, true);
  Begin(on_connection_);
}

void CopyRowsOperation::Understood(Ending ending) noexcept {
  if (ending.error) return Finish(std::move(ending));
  if (stopping()) return FinishCancelled(Phase::kQuery, {});
  Begin(on_connection_);
}

void CopyRowsOperation::Begin(Connection* connection) noexcept {
  const RowDescription& columns = *asking_.columns();
  bool fits = columns.count() > 0;
  try {
    fits_.resize(columns.count());
  } catch (const std::bad_alloc&) {
    fits = false;
  }
  for (size_t c = 0; fits && c < columns.count(); c++)
    fits = fits_[c].Of(columns.oid(c), *connection->session().catalog);
  if (!fits) fits_.clear();
  copies_[1] = fits ? &binary_ : &text_;
  copying_.Run(copies_, 2);
  described_ = true;
  Follow(connection);
}

const char* CopyRowsOperation::Altered() noexcept {
  const RowDescription& before = *asking_.columns();
  const RowDescription& now = copying_.columns();
  // Without a list of columns.
  if (copying_.copied() != now.count())
    return "the table has generated columns, which are not copied: name the others in the "
           "statement";
  altered_ = before.count() != now.count();
  for (size_t c = 0; !altered_ && c < now.count(); c++) altered_ = before.oid(c) != now.oid(c);
  return altered_ ? "the table was altered while it was asked for its columns" : nullptr;
}

void CopyRowsOperation::OnWanted() noexcept {
  constexpr uint64_t kPiece = 64 * 1024;
  if (!pulled_)
    if (const char* why = Altered()) return GiveUp(MakeError(Status::kInvalid, Phase::kQuery, why));
  pulled_ = true;
  if (!Ask(tasks::What::kPull, kPiece)) GiveUp(NoMemoryError());
}

void CopyRowsOperation::GiveUp(ErrorRef why) noexcept {
  error_ = std::move(why);
  // Without memory for that, by a request to cancel it.
  if (!copying_.GiveUp(error_->message())) (void)connection()->Cancel(&copying_);
}

// It may come when nobody needs it any more: the server has refused, or it was cancelled.
void CopyRowsOperation::Answer(Status status, std::string bytes, bool more,
                               ErrorRef error) noexcept {
  if (!copying_.open()) return;
  if (status != Status::kOk) return GiveUp(NotProduced("what was to be copied", std::move(error)));
  std::string out;
  try {
    if (ErrorRef bad = TakeRows(bytes, more, &out)) return GiveUp(std::move(bad));
  } catch (const std::bad_alloc&) {
    return GiveUp(NoMemoryError());
  }
  copying_.Give(std::move(out), more);
}

ErrorRef CopyRowsOperation::TakeRows(std::string_view bytes, bool more, std::string* out) {
  if (!std::exchange(headed_, true) && !fits_.empty()) out->append(kHead);
  part_.append(bytes);
  std::string_view rest = part_;
  std::vector<Value> values;
  for (;; rows_++) {
    const RowTake taken = TakeRow(&rest, &values);
    if (taken == RowTake::kMalformed)
      return MakeError(Status::kInvalid, Phase::kOptions,
                       "the answer is none that creche_values_to_rows has made");
    if (taken == RowTake::kPart) break;
    if (ErrorRef error = AppendRow(values, out)) return error;
  }
  if (!more && !rest.empty())
    return MakeError(Status::kInvalid, Phase::kOptions, "the last row has no end");
  if (!more && !fits_.empty()) out->append(kEnd);
  part_.erase(0, part_.size() - rest.size());
  return nullptr;
}

ErrorRef CopyRowsOperation::AppendRow(const std::vector<Value>& values, std::string* out) const {
  const size_t columns = copying_.columns().count();
  if (values.size() != columns)
    return MakeError(Status::kInvalid, Phase::kOptions,
                     "row " + std::to_string(rows_) + " has " + std::to_string(values.size()) +
                         " values, and there are " + std::to_string(columns) + " columns");
  if (fits_.empty()) return AppendCopyRow(values.data(), columns, rows_, out);
  AppendCount(columns, out);
  for (size_t c = 0; c < columns; c++)
    if (const char* why = fits_[c].Append(values[c], out))
      return MakeError(Status::kType, Phase::kOptions, Place(c) + why);
  return nullptr;
}

// "row 3, column 1 (price, numeric): "
std::string CopyRowsOperation::Place(size_t column) const {
  const RowDescription& columns = copying_.columns();
  RowCollector none;
  none.Begin(Ref<const RowDescription>::Share(&columns));
  const Ref<Rows> rows = none.Take({}, -1);
  const char* name = RowView(rows->block()).ColumnName(static_cast<uint32_t>(column));
  return "row " + std::to_string(rows_) + ", column " + std::to_string(column) + " (" +
         (name ? name : "") + ", " + TypeName(columns.oid(column)) + "): ";
}

void CopyRowsOperation::OnCopied(Ending ending) noexcept {
  constexpr int kMostRounds = 5;
  copying_.Close();
  if (altered_ && !stopping() && !ending.inside && ending.answered && ++rounds_ < kMostRounds) {
    BeginAgain();
    return Follow(connection());
  }
  OnEnd(std::move(ending));
}

void CopyRowsOperation::BeginAgain() noexcept {
  copying_.Close();
  described_ = altered_ = false;
  error_ = nullptr;
}

void CopyRowsOperation::FinishCancelled(Phase phase, const Ending& ending) noexcept {
  copying_.Close();
  PgOperation::FinishCancelled(phase, ending);
}

void CopyRowsOperation::Finish(Ending ending) noexcept {
  copying_.Close();
  FinishCopy(std::move(ending));
}

}  // namespace creche::pg
