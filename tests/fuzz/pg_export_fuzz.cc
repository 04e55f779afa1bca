// Fuzzes what rows are given away as: blocks that come from anywhere, as JSON, as CSV, as text, and
// through the Arrow C Data Interface. What is written is well-formed, whatever the block is. The
// first two bytes are options; behind them stands the block, which is as long as it is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "pg/export/arrow.h"
#include "pg/export/csv.h"
#include "pg/export/json.h"
#include "pg/export/text.h"
#include "pg/rows/row_view.h"
#include "pg/type/oid.h"

using namespace creche::pg;

namespace {

void Must(bool good) {
  if (!good) abort();
}

// A block may say that it has any number of rows without columns.
constexpr size_t kMost = 1 << 20;

bool Take(void* user, const char* text, size_t size) {
  auto* all = static_cast<std::string*>(user);
  all->append(text, size);
  return all->size() < kMost;
}

// Reads one value of JSON off the front.
class Json {
 public:
  explicit Json(std::string_view text) : rest_(text) {}
  bool Value(int depth) {
    Skip();
    if (rest_.empty() || depth > 100) return false;
    const char c = rest_[0];
    if (c == '"') return String();
    if (c == '{' || c == '[') return Many(c == '{', depth);
    for (const std::string_view word : {"true", "false", "null"})
      if (rest_.starts_with(word)) return rest_.remove_prefix(word.size()), true;
    const size_t end = std::min(rest_.find_first_not_of("+-.eE0123456789"), rest_.size());
    rest_.remove_prefix(end);
    return end > 0;
  }
  bool at_end() {
    Skip();
    return rest_.empty();
  }

 private:
  void Skip() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }
  bool Byte(char byte) {
    Skip();
    if (!rest_.starts_with(byte)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool String() {
    size_t at = 1;
    for (; at < rest_.size() && rest_[at] != '"'; at++) {
      if (static_cast<unsigned char>(rest_[at]) < 0x20) return false;
      if (rest_[at] == '\\') at++;
    }
    if (at >= rest_.size()) return false;
    rest_.remove_prefix(at + 1);
    return true;
  }
  bool Many(bool object, int depth) {
    const char close = object ? '}' : ']';
    rest_.remove_prefix(1);
    if (Byte(close)) return true;
    do {
      if (object && (Skip(), !rest_.starts_with('"') || !String() || !Byte(':'))) return false;
      if (!Value(depth + 1)) return false;
    } while (Byte(','));
    return Byte(close);
  }
  std::string_view rest_;
};

void TryJson(const RowView& rows, uint8_t flags) {
  const JsonOptions options{.lines = (flags & 1) != 0,
                            .arrays = (flags & 2) != 0,
                            .exact_text = (flags & 4) != 0,
                            .finite_only = (flags & 8) != 0};
  std::string text;
  Pieces pieces(Take, &text);
  if (!WriteJson(rows, options, &pieces) || !pieces.Flush()) return;
  // What is JSON already is given away as it came.
  for (uint32_t c = 0; c < rows.columns(); c++)
    if (const uint32_t type = rows.ColumnType(c); type == kJson || type == kJsonb) return;
  Json json(text);
  uint64_t values = 0;
  while (!json.at_end()) {
    Must(json.Value(0));
    values++;
  }
  Must(values == (options.lines ? rows.rows() : 1));
}

void TryCsv(const RowView& rows, uint8_t flags) {
  const CsvOptions options{.header = (flags & 1) != 0,
                           .crlf = (flags & 2) != 0,
                           .quote_all = (flags & 4) != 0,
                           .delimiter = ",;|\t"[flags >> 3 & 3]};
  std::string text;
  Pieces pieces(Take, &text);
  if (!WriteCsv(rows, options, &pieces) || !pieces.Flush()) return;
  uint64_t records = 0;
  uint32_t fields = 1;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == options.delimiter) fields++;
    if (c != '\n') continue;
    Must(!options.crlf || (i > 0 && text[i - 1] == '\r'));
    Must(fields == rows.columns() || rows.columns() == 0);
    records++;
    fields = 1;
  }
  Must(!quoted && records == rows.rows() + options.header);
}

// Looks at all that a consumer would.
uint64_t Look(const ArrowSchema& schema, const ArrowArray& array) {
  uint64_t sum = 0;
  Must(schema.release && array.release && schema.n_children == array.n_children);
  Must(array.offset == 0 && array.null_count >= -1 && array.null_count <= array.length);
  const auto* valid = array.n_buffers > 0 ? static_cast<const uint8_t*>(array.buffers[0]) : nullptr;
  for (int64_t i = 0; valid && i < array.length; i++) sum += valid[i / 8];
  const std::string_view format = schema.format;
  const bool bytes = format == "u" || format == "z", lists = format == "+l";
  if (bytes || lists) {
    const auto* offsets = static_cast<const int32_t*>(array.buffers[1]);
    for (int64_t i = 0; i < array.length; i++) Must(offsets[i] <= offsets[i + 1]);
    const int32_t end = array.length > 0 ? offsets[array.length] : 0;
    Must(array.length == 0 || offsets[0] >= 0);
    if (lists) Must(array.children[0]->length >= end);
    for (int32_t i = 0; bytes && i < end; i++)
      sum += static_cast<const uint8_t*>(array.buffers[2])[i];
  }
  if (format == "+s")
    for (int64_t i = 0; i < array.n_children; i++) Must(array.children[i]->length >= array.length);
  for (int64_t i = 0; i < array.n_children; i++)
    sum += Look(*schema.children[i], *array.children[i]);
  return sum;
}

void TryArrow(const RowView& rows, uint8_t flags) {
  const ArrowOptions options{.strict = (flags & 1) != 0,
                             .numeric_text = (flags & 2) != 0,
                             .precision = static_cast<uint8_t>(flags & 4 ? 38 : 0),
                             .scale = static_cast<uint8_t>(flags & 4 ? 10 : 0)};
  ArrowSchema schema{};
  ArrowArray array{};
  const ArrowRefusal refused = MakeArrow(rows, options, &schema, &array);
  if (refused.why) {
    Must(refused.column < rows.columns() && !schema.release && !array.release);
    return;
  }
  Must(schema.n_children == rows.columns() && array.length == static_cast<int64_t>(rows.rows()));
  volatile uint64_t seen = Look(schema, array);
  (void)seen;
  schema.release(&schema);
  array.release(&array);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kOptions = 2;
  if (size < kOptions + sizeof(RowBlock)) return 0;
  // In memory of just that size: AddressSanitizer sees a step outside.
  const size_t block_size = size - kOptions;
  const std::unique_ptr<char[]> block(new char[block_size]);
  std::memcpy(block.get(), data + kOptions, block_size);
  const auto total = static_cast<uint64_t>(block_size);
  std::memcpy(block.get() + offsetof(RowBlock, total_size), &total, sizeof total);
  const RowView rows(block.get());
  if (!rows.good()) return 0;
  TryJson(rows, data[1]);
  TryCsv(rows, data[1]);
  TryArrow(rows, data[1]);
  for (uint64_t row = 0; row < std::min<uint64_t>(rows.rows(), 16); row++)
    for (uint32_t c = 0; c < std::min<uint32_t>(rows.columns(), 64); c++)
      (void)FormatCell(rows, row, c);
  return 0;
}
