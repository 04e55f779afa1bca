// Values that are made of others: arrays, rows, ranges.
#include "pg/protocol/bytes.h"
#include "pg/type/array_form.h"
#include "pg/type/print.h"
#include "pg/type/type.h"
#include "pg/type/user_type.h"

namespace creche::pg {

namespace {

bool IsBlank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool IsNullWord(std::string_view text) {
  if (text.size() != 4) return false;
  for (size_t i = 0; i < 4; i++)
    if ((text[i] | 0x20) != "null"[i]) return false;
  return true;
}

// special: what must not stand in it without quotes. doubled: quotes and backslashes are written
// twice; else behind a backslash.
void AppendPart(std::string* out, std::string_view text, std::string_view special, bool doubled) {
  bool quoted = text.empty();
  for (const char c : text)
    quoted = quoted || c == '"' || c == '\\' || IsBlank(c) || special.find(c) != special.npos;
  if (!quoted) return out->append(text), void();
  *out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') *out += doubled ? c : '\\';
    *out += c;
  }
  *out += '"';
}

std::string_view BytesOf(const RowView::Cell& cell) {
  return {cell.bytes, cell.size};
}

// What a range or a multirange is made of.
uint32_t ElementOf(const RowView::Cell& cell) {
  UserType type;
  if (cell.type >= kFirstUserType && cell.user && cell.user->Find(cell.type, &type)) return type.of;
  return TypeOf(cell.type).element;
}

char DelimiterOf(uint32_t element, const RowView::Cell& cell) {
  constexpr uint32_t kBox = 603;
  UserType type;
  if (element >= kFirstUserType && cell.user && cell.user->Find(element, &type))
    return type.delimiter;
  return element == kBox ? ';' : ',';
}

bool AppendElement(std::string* out, const ArrayForm& array, std::string_view* rest, char delimiter,
                   const RowView::Cell& cell) {
  std::string_view value;
  bool null;
  if (!TakeValue(rest, &value, &null)) return false;
  if (null) return out->append("NULL"), true;
  std::string text;
  if (!PrintPart(&text, array.element, value, cell)) return false;
  const char special[] = {'{', '}', delimiter, '\0'};
  if (IsNullWord(text))
    out->append("\"").append(text).append("\"");
  else
    AppendPart(out, text, special, false);
  return true;
}

bool AppendDimension(std::string* out, const ArrayForm& array, uint32_t dimension,
                     std::string_view* rest, char delimiter, const RowView::Cell& cell) {
  *out += '{';
  for (uint32_t i = 0; i < array.length[dimension]; i++) {
    if (i > 0) *out += delimiter;
    const bool done = dimension + 1 < array.dimensions
                          ? AppendDimension(out, array, dimension + 1, rest, delimiter, cell)
                          : AppendElement(out, array, rest, delimiter, cell);
    if (!done) return false;
  }
  *out += '}';
  return true;
}

bool AppendArray(std::string* out, const RowView::Cell& cell) {
  ArrayForm array;
  if (!array.Read(BytesOf(cell))) return false;
  if (array.count == 0) return array.elements.empty() && (out->append("{}"), true);
  bool bounds = false;
  for (uint32_t d = 0; d < array.dimensions; d++) bounds = bounds || array.first[d] != 1;
  for (uint32_t d = 0; d < array.dimensions && bounds; d++) {
    *out += '[';
    AppendInteger(out, array.first[d]);
    *out += ':';
    AppendInteger(out, int64_t{array.first[d]} + array.length[d] - 1);
    *out += ']';
  }
  if (bounds) *out += '=';
  std::string_view rest = array.elements;
  return AppendDimension(out, array, 0, &rest, DelimiterOf(array.element, cell), cell) &&
         rest.empty();
}

bool AppendVector(std::string* out, const RowView::Cell& cell) {
  ArrayForm array;
  if (!array.Read(BytesOf(cell)) || array.dimensions > 1) return false;
  std::string_view rest = array.elements;
  for (uint64_t i = 0; i < array.count; i++) {
    std::string_view value;
    bool null;
    if (i > 0) *out += ' ';
    if (!TakeValue(&rest, &value, &null) || null || !PrintPart(out, array.element, value, cell))
      return false;
  }
  return rest.empty();
}

// How many fields; each its type and its value.
bool AppendRecord(std::string* out, const RowView::Cell& cell) {
  std::string_view rest = BytesOf(cell);
  if (rest.size() < 4) return false;
  const uint32_t fields = Load32(rest.data());
  rest.remove_prefix(4);
  if (fields > rest.size() / 8) return false;
  *out += '(';
  for (uint32_t i = 0; i < fields; i++) {
    if (i > 0) *out += ',';
    if (rest.size() < 8) return false;
    const uint32_t type = Load32(rest.data());
    rest.remove_prefix(4);
    std::string_view value;
    bool null;
    if (type == 0 || !TakeValue(&rest, &value, &null)) return false;
    if (null) continue;
    std::string text;
    if (!PrintPart(&text, type, value, cell)) return false;
    AppendPart(out, text, "(),", true);
  }
  *out += ')';
  return rest.empty();
}

// Flags, and the bounds that there are.
bool AppendRange(std::string* out, const RowView::Cell& cell) {
  enum : uint8_t { kEmpty = 1, kLowerIn = 2, kUpperIn = 4, kNoLower = 8, kNoUpper = 16 };
  std::string_view rest = BytesOf(cell);
  if (rest.empty()) return false;
  const auto flags = static_cast<uint8_t>(rest[0]);
  rest.remove_prefix(1);
  if (flags & kEmpty) return rest.empty() && (out->append("empty"), true);
  const uint32_t element = ElementOf(cell);
  const auto bound = [&](uint8_t absent) {
    if (flags & absent) return true;
    std::string_view value;
    bool null;
    std::string text;
    if (!TakeValue(&rest, &value, &null) || null || !PrintPart(&text, element, value, cell))
      return false;
    AppendPart(out, text, "()[],", true);
    return true;
  };
  *out += flags & kLowerIn ? '[' : '(';
  if (!bound(kNoLower)) return false;
  *out += ',';
  if (!bound(kNoUpper)) return false;
  *out += flags & kUpperIn ? ']' : ')';
  return rest.empty();
}

bool AppendMultirange(std::string* out, const RowView::Cell& cell) {
  std::string_view rest = BytesOf(cell);
  if (rest.size() < 4) return false;
  const uint32_t count = Load32(rest.data());
  rest.remove_prefix(4);
  const uint32_t element = ElementOf(cell);
  *out += '{';
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) *out += ',';
    std::string_view value;
    bool null;
    if (!TakeValue(&rest, &value, &null) || null || !PrintPart(out, element, value, cell))
      return false;
  }
  *out += '}';
  return rest.empty();
}

// All of it, or nothing.
bool Whole(bool (*append)(std::string*, const RowView::Cell&), std::string* out,
           const RowView::Cell& cell) {
  const size_t before = out->size();
  if (cell.bytes && append(out, cell)) return true;
  out->resize(before);
  return false;
}

}  // namespace

bool PrintArray(std::string* out, const RowView::Cell& cell) {
  return Whole(AppendArray, out, cell);
}

bool PrintVector(std::string* out, const RowView::Cell& cell) {
  return Whole(AppendVector, out, cell);
}

bool PrintRecord(std::string* out, const RowView::Cell& cell) {
  return Whole(AppendRecord, out, cell);
}

bool PrintRange(std::string* out, const RowView::Cell& cell) {
  return Whole(AppendRange, out, cell);
}

bool PrintMultirange(std::string* out, const RowView::Cell& cell) {
  return Whole(AppendMultirange, out, cell);
}

}  // namespace creche::pg
