// Strings of bits, and what the server counts itself by: places, transactions, positions of its
// log.
#include <charconv>

#include "pg/protocol/bytes.h"
#include "pg/type/print.h"

namespace creche::pg {

namespace {

void AppendUnsigned(std::string* out, uint64_t value, int base = 10) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, base).ptr;
  for (char* d = digits; d < end; d++) *out += *d >= 'a' ? static_cast<char>(*d - 32) : *d;
}

}  // namespace

// How many, and the bits from the highest of each byte on.
bool PrintBits(std::string* out, const RowView::Cell& cell) {
  if (cell.size < 4) return false;
  const uint32_t bits = Load32(cell.bytes);
  if (bits > INT32_MAX || cell.size - 4 != (uint64_t{bits} + 7) / 8) return false;
  for (uint32_t i = 0; i < bits; i++)
    *out += (cell.bytes[4 + i / 8] >> (7 - i % 8)) & 1 ? '1' : '0';
  return true;
}

bool PrintTid(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 6) return false;
  *out += '(';
  AppendUnsigned(out, Load32(cell.bytes));
  *out += ',';
  AppendUnsigned(out, Load16(cell.bytes + 4));
  *out += ')';
  return true;
}

bool PrintXid(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 4) return false;
  AppendUnsigned(out, Load32(cell.bytes));
  return true;
}

bool PrintXid8(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 8) return false;
  AppendUnsigned(out, Load64(cell.bytes));
  return true;
}

bool PrintLsn(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 8) return false;
  AppendUnsigned(out, Load32(cell.bytes), 16);
  *out += '/';
  AppendUnsigned(out, Load32(cell.bytes + 4), 16);
  return true;
}

// How many are in progress, the lowest, the next, and those.
bool PrintSnapshot(std::string* out, const RowView::Cell& cell) {
  constexpr uint64_t kHead = 20;
  if (cell.size < kHead) return false;
  const uint32_t count = Load32(cell.bytes);
  if (cell.size - kHead != uint64_t{count} * 8) return false;
  AppendUnsigned(out, Load64(cell.bytes + 4));
  *out += ':';
  AppendUnsigned(out, Load64(cell.bytes + 12));
  *out += ':';
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) *out += ',';
    AppendUnsigned(out, Load64(cell.bytes + kHead + uint64_t{i} * 8));
  }
  return true;
}

}  // namespace creche::pg
