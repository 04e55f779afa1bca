#include "pg/export/json.h"

#include <bit>
#include <cmath>
#include <vector>

#include "core/utf8.h"
#include "pg/export/array_text.h"
#include "pg/export/block_types.h"
#include "pg/protocol/bytes.h"
#include "pg/sql/scan.h"
#include "pg/type/array_form.h"
#include "pg/type/decode.h"
#include "pg/type/numeric.h"
#include "pg/type/print.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

void AppendString(std::string* out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  static constexpr std::string_view kShort = "\bb\ff\nn\rr\tt\"\"\\\\";
  *out += '"';
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    const size_t size = byte < 0x80 ? 1 : CharacterAt(text.substr(i));
    if (byte < 0x20 || c == '"' || c == '\\') {
      size_t at = 0;
      while (at < kShort.size() && kShort[at] != c) at += 2;
      if (at < kShort.size())
        out->append({'\\', kShort[at + 1]});
      else
        out->append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]});
    } else if (size == 0) {
      out->append("\xef\xbf\xbd");  // U+FFFD: it is no character
    } else {
      out->append(text, i, size);
    }
    i += size == 0 ? 1 : size;
  }
  *out += '"';
}

// JSON's own text. In one line, if need be: what breaks lines can only stand between its parts.
void AppendJson(std::string* out, std::string_view text, bool one_line) {
  const size_t before = out->size();
  for (size_t i = 0, size; i < text.size(); i += size) {
    size = static_cast<unsigned char>(text[i]) < 0x80 ? 1 : CharacterAt(text.substr(i));
    if (size > 0)
      out->append(text, i, size);
    else
      out->append("\xef\xbf\xbd"), size = 1;
  }
  for (size_t i = before; one_line && i < out->size(); i++)
    if (char& c = (*out)[i]; c == '\n' || c == '\r') c = ' ';
}

class Writer {
 public:
  Writer(const BlockTypes& types, const JsonOptions& options, std::string* out)
      : types_(types), options_(options), out_(*out) {}

  void Cell(const RowView::Cell& cell) {
    if (cell.null) return Null();
    if (!cell.bytes) return Fixed(cell);
    const std::string_view bytes(cell.bytes, cell.size);
    if (cell.text) {
      if (char delimiter; IsArray(cell.type, &delimiter) && ArrayAsText(bytes, delimiter)) return;
      return AppendString(&out_, bytes);
    }
    Value(cell.type, bytes, 0);
  }

 private:
  static constexpr uint8_t kDeepest = 12;
  void Null() { out_.append("null"); }
  void NotFinite(std::string_view text) {
    if (options_.finite_only) return Null();
    AppendString(&out_, text);
  }

  // Whose value is in the cell.
  void Fixed(const RowView::Cell& cell) {
    const Type& type = TypeOf(cell.type);
    switch (type.kind) {
      case Type::Kind::kBool:
        out_.append(cell.bits ? "true" : "false");
        return;
      case Type::Kind::kReal: {
        if (!std::isfinite(std::bit_cast<double>(cell.bits))) break;
        const size_t before = out_.size();
        (void)type.print(&out_, cell);
        // A forged block may hold what is infinite as a float4.
        if (IsDigit(out_.back())) return;
        out_.resize(before);
        break;
      }
      case Type::Kind::kInteger:
        return Exact(cell, cell.type == kInt8);
      default:
        break;
    }
    std::string text;
    (void)type.print(&text, cell);
    if (type.kind == Type::Kind::kReal) return NotFinite(text);
    MakeIso(cell.type, &text);
    AppendString(&out_, text);
  }
  void Exact(const RowView::Cell& cell, bool wide) {
    const bool quoted = wide && options_.exact_text;
    if (quoted) out_ += '"';
    AppendInteger(&out_, static_cast<int64_t>(cell.bits));
    if (quoted) out_ += '"';
  }
  // As ISO 8601 and PostgreSQL's JSON have it.
  static void MakeIso(uint32_t type, std::string* text) {
    if (type == kDate || text->find(':') == text->npos) return;
    if (const size_t blank = text->find(' '); blank != text->npos) (*text)[blank] = 'T';
    if (const size_t zone = text->find("+00"); zone != text->npos) text->insert(zone + 3, ":00");
  }

  void Value(uint32_t oid, std::string_view bytes, uint8_t depth) {
    const Type& type = TypeOf(oid);
    if (depth > kDeepest) return Text(oid, bytes, depth);
    if (type.size != 0) return Part(type, bytes, depth);
    if (oid == kJson) return AppendJson(&out_, bytes, options_.lines);
    if (oid == kJsonb && !bytes.empty() && bytes[0] == 1)
      return AppendJson(&out_, bytes.substr(1), options_.lines);
    if (oid == kNumeric) return Numeric(bytes);
    if (type.print == PrintArray || type.print == PrintVector) return Array(oid, bytes, depth);
    UserType user;
    if (oid >= kFirstUserType && types_.Find(oid, &user)) {
      if (user.kind == UserKind::kDomain)
        return Value(user.of, bytes, static_cast<uint8_t>(depth + 1));
      if (user.kind == UserKind::kArray) return Array(oid, bytes, depth);
      if (user.kind == UserKind::kHstore) return Hstore(oid, bytes, depth);
    }
    Text(oid, bytes, depth);
  }
  // A value of a type whose cells would hold it.
  void Part(const Type& type, std::string_view bytes, uint8_t depth) {
    if (bytes.size() != type.size) return Text(type.oid, bytes, depth);
    RowView::Cell cell{
        .type = type.oid, .size = type.size, .bits = type.decode(bytes.data()), .null = false};
    if (cell.bits == uint64_t{kLate} && type.kind == Type::Kind::kMoment) {
      const RowCell late = LateTimestamp(bytes.data());
      cell.bits = late.bits;
      cell.later = late.later;
    }
    Fixed(cell);
  }
  void Numeric(std::string_view bytes) {
    const std::string text = NumericToText(bytes.data(), bytes.size());
    const char last = text.empty() ? '\0' : text.back();
    if (last < '0' || last > '9') return NotFinite(text);
    if (options_.exact_text) return AppendString(&out_, text);
    out_.append(text);
  }
  void Text(uint32_t oid, std::string_view bytes, uint8_t depth) {
    std::string text;
    if (!PrintValue(&text, oid, bytes, depth, &types_)) {
      text = "\\x";
      AppendHex(&text, bytes.data(), bytes.size());
    }
    AppendString(&out_, text);
  }

  bool IsArray(uint32_t oid, char* delimiter) const {
    UserType array, element;
    *delimiter = ',';
    if (oid == kAclitemArray || TypeOf(oid).print == PrintArray) return true;
    if (!types_.Find(oid, &array) || array.kind != UserKind::kArray) return false;
    if (types_.Find(array.of, &element)) *delimiter = element.delimiter;
    return true;
  }
  // False, and nothing is written: it is none.
  bool ArrayAsText(std::string_view text, char delimiter) {
    const size_t before = out_.size();
    ArrayText parts(text, delimiter);
    std::string value;
    for (bool first = true;;) {
      const ArrayText::Part part = parts.Take(&value);
      if (part == ArrayText::Part::kEnd) return true;
      if (part == ArrayText::Part::kBad) break;
      const bool closes = part == ArrayText::Part::kClose;
      if (!first && !closes) out_ += ',';
      first = part == ArrayText::Part::kOpen;
      if (first || closes)
        out_ += first ? '[' : ']';
      else if (part == ArrayText::Part::kNull)
        Null();
      else
        AppendString(&out_, value);
    }
    out_.resize(before);
    return false;
  }
  void Array(uint32_t oid, std::string_view bytes, uint8_t depth) {
    ArrayForm array;
    const size_t before = out_.size();
    if (array.Read(bytes)) {
      std::string_view rest = array.elements;
      if (array.count == 0) {
        out_.append("[]");
        return;
      }
      if (Dimension(array, 0, &rest, depth) && rest.empty()) return;
    }
    out_.resize(before);
    Text(oid, bytes, depth);
  }
  bool Dimension(const ArrayForm& array, uint32_t dimension, std::string_view* rest,
                 uint8_t depth) {
    out_ += '[';
    for (uint32_t i = 0; i < array.length[dimension]; i++) {
      if (i > 0) out_ += ',';
      if (dimension + 1 < array.dimensions) {
        if (!Dimension(array, dimension + 1, rest, depth)) return false;
        continue;
      }
      std::string_view value;
      bool null;
      if (!TakeValue(rest, &value, &null)) return false;
      if (null)
        Null();
      else
        Value(array.element, value, static_cast<uint8_t>(depth + 1));
    }
    out_ += ']';
    return true;
  }
  void Hstore(uint32_t oid, std::string_view bytes, uint8_t depth) {
    const size_t before = out_.size();
    if (Pairs(bytes)) return;
    out_.resize(before);
    Text(oid, bytes, depth);
  }
  bool Pairs(std::string_view rest) {
    if (rest.size() < 4) return false;
    uint32_t left = Load32(rest.data());
    rest.remove_prefix(4);
    out_ += '{';
    for (bool first = true; left > 0; left--, first = false) {
      std::string_view key, value;
      bool no_key, null;
      if (!TakeValue(&rest, &key, &no_key) || no_key || !TakeValue(&rest, &value, &null))
        return false;
      if (!first) out_ += ',';
      AppendString(&out_, key);
      out_ += ':';
      if (null)
        Null();
      else
        AppendString(&out_, value);
    }
    out_ += '}';
    return rest.empty();
  }

  const BlockTypes& types_;
  const JsonOptions& options_;
  std::string& out_;
};

}  // namespace

bool WriteJson(const RowView& rows, const JsonOptions& options, Pieces* out) {
  const BlockTypes types(rows);
  std::string& text = out->text();
  std::vector<std::string> names(rows.columns());
  for (uint32_t c = 0; c < rows.columns(); c++) {
    const char* name = rows.ColumnName(c);
    if (!options.arrays) AppendString(&names[c], name ? name : "");
    if (!options.arrays) names[c] += ':';
  }
  Writer writer(types, options, &text);
  if (!options.lines) text += '[';
  for (uint64_t row = 0; row < rows.rows(); row++) {
    if (row > 0 && !options.lines) text += ",\n";
    text += options.arrays ? '[' : '{';
    for (uint32_t c = 0; c < rows.columns(); c++) {
      if (c > 0) text += ',';
      text += names[c];
      writer.Cell(rows.At(row, c));
      if (!out->Go()) return false;
    }
    text += options.arrays ? ']' : '}';
    if (options.lines) text += '\n';
    if (!out->Go()) return false;
  }
  if (!options.lines) text += "]\n";
  return out->Flush();
}

}  // namespace creche::pg
