// Types of extensions that are known by their names.
#include <bit>

#include "pg/protocol/bytes.h"
#include "pg/type/print.h"

namespace creche::pg {

namespace {

void AppendQuoted(std::string* out, std::string_view text) {
  *out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') *out += '\\';
    *out += c;
  }
  *out += '"';
}

// How many pairs; each its key and its value.
bool AppendHstore(std::string* out, std::string_view rest) {
  if (rest.size() < 4) return false;
  const uint32_t count = Load32(rest.data());
  rest.remove_prefix(4);
  if (count > rest.size() / 8) return false;
  for (uint32_t i = 0; i < count; i++) {
    std::string_view key, value;
    bool no_key, null;
    if (!TakeValue(&rest, &key, &no_key) || no_key || !TakeValue(&rest, &value, &null))
      return false;
    if (i > 0) out->append(", ");
    AppendQuoted(out, key);
    out->append("=>");
    if (null)
      out->append("NULL");
    else
      AppendQuoted(out, value);
  }
  return rest.empty();
}

}  // namespace

bool PrintHstore(std::string* out, const RowView::Cell& cell) {
  const size_t before = out->size();
  if (cell.bytes && AppendHstore(out, {cell.bytes, cell.size})) return true;
  out->resize(before);
  return false;
}

// pgvector's: how many numbers, nothing, and the numbers.
bool PrintFloatVector(std::string* out, const RowView::Cell& cell) {
  constexpr size_t kHead = 4, kNumber = 4;
  if (!cell.bytes || cell.size < kHead || Load16(cell.bytes + 2) != 0) return false;
  const size_t count = Load16(cell.bytes);
  if (cell.size != kHead + kNumber * count) return false;
  *out += '[';
  for (size_t i = 0; i < count; i++) {
    if (i > 0) *out += ',';
    const float value = std::bit_cast<float>(Load32(cell.bytes + kHead + kNumber * i));
    (void)PrintFloat4(out, {.bits = std::bit_cast<uint64_t>(double{value}), .null = false});
  }
  *out += ']';
  return true;
}

}  // namespace creche::pg
