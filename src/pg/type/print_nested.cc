// Values that are made of others: arrays, rows, ranges.
#include "pg/protocol/bytes.h"
#include "pg/type/print.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

constexpr uint32_t kNull = UINT32_MAX;  // in place of a length

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

// The next of the values that stand behind their lengths: false at a wrong one.
bool TakeValue(std::string_view* rest, std::string_view* value, bool* null) {
  if (rest->size() < 4) return false;
  const uint32_t size = Load32(rest->data());
  rest->remove_prefix(4);
  *null = size == kNull;
  if (*null) return true;
  if (size > rest->size()) return false;
  *value = rest->substr(0, size);
  rest->remove_prefix(size);
  return true;
}

std::string_view BytesOf(const RowView::Cell& cell) {
  return {cell.bytes, cell.size};
}

// The binary form of an array: dimensions, whether it has NULLs, the type of its elements; for each
// dimension its length and where it begins; the elements.
struct Array {
  static constexpr uint32_t kMostDimensions = 6;
  uint32_t dimensions = 0, element = 0;
  uint64_t count = 0;
  uint32_t length[kMostDimensions] = {};
  int32_t first[kMostDimensions] = {};
  std::string_view elements;

  // False if it is none.
  bool Read(std::string_view bytes) {
    constexpr size_t kHead = 12;
    if (bytes.size() < kHead) return false;
    dimensions = Load32(bytes.data());
    element = Load32(bytes.data() + 8);
    if (dimensions > kMostDimensions || Load32(bytes.data() + 4) > 1 || element == 0) return false;
    bytes.remove_prefix(kHead);
    if (bytes.size() < 8 * dimensions) return false;
    count = dimensions > 0;
    for (uint32_t d = 0; d < dimensions; d++) {
      length[d] = Load32(bytes.data());
      first[d] = static_cast<int32_t>(Load32(bytes.data() + 4));
      bytes.remove_prefix(8);
      // Each takes four bytes at least.
      if (length[d] > bytes.size() || count > bytes.size() + 1) return false;
      count *= length[d];
    }
    elements = bytes;
    return count <= bytes.size() / 4;
  }
};

bool AppendElement(std::string* out, const Array& array, std::string_view* rest, char delimiter,
                   uint8_t depth) {
  std::string_view value;
  bool null;
  if (!TakeValue(rest, &value, &null)) return false;
  if (null) return out->append("NULL"), true;
  std::string text;
  if (!PrintValue(&text, array.element, value, depth)) return false;
  const char special[] = {'{', '}', delimiter, '\0'};
  if (IsNullWord(text))
    out->append("\"").append(text).append("\"");
  else
    AppendPart(out, text, special, false);
  return true;
}

bool AppendDimension(std::string* out, const Array& array, uint32_t dimension,
                     std::string_view* rest, char delimiter, uint8_t depth) {
  *out += '{';
  for (uint32_t i = 0; i < array.length[dimension]; i++) {
    if (i > 0) *out += delimiter;
    const bool done = dimension + 1 < array.dimensions
                          ? AppendDimension(out, array, dimension + 1, rest, delimiter, depth)
                          : AppendElement(out, array, rest, delimiter, depth);
    if (!done) return false;
  }
  *out += '}';
  return true;
}

bool AppendArray(std::string* out, const RowView::Cell& cell) {
  constexpr uint32_t kBox = 603;
  Array array;
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
  const char delimiter = array.element == kBox ? ';' : ',';
  const auto depth = static_cast<uint8_t>(cell.depth + 1);
  return AppendDimension(out, array, 0, &rest, delimiter, depth) && rest.empty();
}

bool AppendVector(std::string* out, const RowView::Cell& cell) {
  Array array;
  if (!array.Read(BytesOf(cell)) || array.dimensions > 1) return false;
  std::string_view rest = array.elements;
  for (uint64_t i = 0; i < array.count; i++) {
    std::string_view value;
    bool null;
    if (i > 0) *out += ' ';
    const auto depth = static_cast<uint8_t>(cell.depth + 1);
    if (!TakeValue(&rest, &value, &null) || null || !PrintValue(out, array.element, value, depth))
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
    if (!PrintValue(&text, type, value, static_cast<uint8_t>(cell.depth + 1))) return false;
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
  const uint32_t element = TypeOf(cell.type).element;
  const auto bound = [&](uint8_t absent) {
    if (flags & absent) return true;
    std::string_view value;
    bool null;
    std::string text;
    if (!TakeValue(&rest, &value, &null) || null ||
        !PrintValue(&text, element, value, static_cast<uint8_t>(cell.depth + 1)))
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
  const uint32_t element = TypeOf(cell.type).element;
  *out += '{';
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) *out += ',';
    std::string_view value;
    bool null;
    if (!TakeValue(&rest, &value, &null) || null ||
        !PrintValue(out, element, value, static_cast<uint8_t>(cell.depth + 1)))
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

bool PrintOfUser(std::string* out, const RowView::Cell& cell) {
  if (!cell.bytes) return false;
  if (LooksLikeText(cell.bytes, cell.size)) return out->append(cell.bytes, cell.size), true;
  // No fields: more likely a number of an extension's than a row.
  const bool fields = cell.size >= 4 && Load32(cell.bytes) != 0;
  return PrintArray(out, cell) || (fields && PrintRecord(out, cell));
}

}  // namespace creche::pg
