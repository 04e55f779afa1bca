// A value by itself, outside of a block: an element of an array, a bound of a range, a field of a
// row.
#include "core/utf8.h"
#include "pg/protocol/bytes.h"
#include "pg/type/decode.h"
#include "pg/type/print.h"
#include "pg/type/type.h"
#include "pg/type/user_type.h"

namespace creche::pg {

// Binary forms of other types have a count, a version or a flag in front: a control character.
bool LooksLikeText(const char* bytes, size_t size) noexcept {
  for (size_t i = 0; i < size;) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
    const size_t length = c < 0x80 ? 1 : CharacterAt({bytes + i, size - i});
    if (length == 0) return false;
    i += length;
  }
  return true;
}

bool TakeValue(std::string_view* rest, std::string_view* value, bool* null) {
  constexpr uint32_t kNull = UINT32_MAX;
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

namespace {

// A byte that is no ASCII is no character by itself; none at all is nothing.
void PrintChar(std::string* out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x80) {
    *out += '\\';
    for (int shift = 6; shift >= 0; shift -= 3)
      *out += static_cast<char>('0' + (byte >> shift & 7));
  } else if (byte != 0) {
    *out += c;
  }
}

// What the server was not asked about: names of the catalog by their numbers.
bool PrintByServer(std::string* out, const Type& type, std::string_view bytes,
                   const UserTypes* user) {
  if (user && user->Spell(type.oid, bytes, out)) return true;
  const bool named = type.oid != 0 && std::string_view(type.name).starts_with("reg");
  if (!named || bytes.size() != 4) return false;
  const uint32_t number = Load32(bytes.data());
  if (number == 0)
    out->append("-");
  else
    AppendInteger(out, number);
  return true;
}

}  // namespace

bool PrintValue(std::string* out, uint32_t oid, std::string_view bytes, uint8_t depth,
                const UserTypes* user) {
  // What is quoted again and again doubles each time.
  constexpr uint8_t kDeepest = 12;
  if (depth > kDeepest || bytes.size() >= kCellNull) return false;
  const Type& type = TypeOf(oid);
  if (oid == kChar && bytes.size() == 1) return PrintChar(out, bytes[0]), true;
  if (type.kind == Type::Kind::kText) return out->append(bytes), true;
  if (type.kind == Type::Kind::kVersionedText) {
    if (bytes.empty() || bytes[0] != 1) return false;
    return out->append(bytes.substr(1)), true;
  }
  if (oid == kBytea) {
    out->append("\\x");
    AppendHex(out, bytes.data(), bytes.size());
    return true;
  }
  if (type.by_server && !type.print) return PrintByServer(out, type, bytes, user);
  RowView::Cell cell{.type = oid, .size = static_cast<uint32_t>(bytes.size()), .null = false};
  cell.depth = depth;
  cell.user = user;
  if (type.size == 0) {
    cell.bytes = bytes.data();
  } else {
    if (bytes.size() != type.size) return false;
    cell.bits = type.decode(bytes.data());
    if (cell.bits == uint64_t{kLate} && type.kind == Type::Kind::kMoment) {
      const RowCell late = LateTimestamp(bytes.data());
      cell.bits = late.bits;
      cell.later = late.later;
    }
  }
  return type.print && type.print(out, cell);
}

bool PrintPart(std::string* out, uint32_t type, std::string_view bytes, const RowView::Cell& cell) {
  return PrintValue(out, type, bytes, static_cast<uint8_t>(cell.depth + 1), cell.user);
}

}  // namespace creche::pg
