// Points, and what is made of them: numbers as float8 prints them.
#include <bit>

#include "pg/protocol/bytes.h"
#include "pg/type/print.h"

namespace creche::pg {

namespace {

constexpr uint32_t kNumber = 8, kPoint = 16;

void AppendNumber(std::string* out, const char* at) {
  AppendFloat8(out, std::bit_cast<double>(Load64(at)));
}

void AppendPoint(std::string* out, const char* at) {
  *out += '(';
  AppendNumber(out, at);
  *out += ',';
  AppendNumber(out, at + kNumber);
  *out += ')';
}

void AppendPoints(std::string* out, const char* at, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    if (i > 0) *out += ',';
    AppendPoint(out, at + i * kPoint);
  }
}

// So many points behind `head` bytes, of which the last four say how many.
bool Counted(const RowView::Cell& cell, uint32_t head, uint32_t* count) {
  if (cell.size < head) return false;
  *count = Load32(cell.bytes + head - 4);
  return cell.size - head == uint64_t{*count} * kPoint;
}

}  // namespace

bool PrintPoint(std::string* out, const RowView::Cell& cell) {
  if (cell.size != kPoint) return false;
  AppendPoint(out, cell.bytes);
  return true;
}

bool PrintLseg(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 2 * kPoint) return false;
  *out += '[';
  AppendPoints(out, cell.bytes, 2);
  *out += ']';
  return true;
}

bool PrintBox(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 2 * kPoint) return false;
  AppendPoints(out, cell.bytes, 2);
  return true;
}

bool PrintPath(std::string* out, const RowView::Cell& cell) {
  uint32_t count;
  if (!Counted(cell, 5, &count)) return false;
  const bool closed = cell.bytes[0] != 0;
  *out += closed ? '(' : '[';
  AppendPoints(out, cell.bytes + 5, count);
  *out += closed ? ')' : ']';
  return true;
}

bool PrintPolygon(std::string* out, const RowView::Cell& cell) {
  uint32_t count;
  if (!Counted(cell, 4, &count)) return false;
  *out += '(';
  AppendPoints(out, cell.bytes + 4, count);
  *out += ')';
  return true;
}

bool PrintLine(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 3 * kNumber) return false;
  for (uint32_t i = 0; i < 3; i++) {
    *out += i == 0 ? '{' : ',';
    AppendNumber(out, cell.bytes + i * kNumber);
  }
  *out += '}';
  return true;
}

bool PrintCircle(std::string* out, const RowView::Cell& cell) {
  if (cell.size != kPoint + kNumber) return false;
  *out += '<';
  AppendPoint(out, cell.bytes);
  *out += ',';
  AppendNumber(out, cell.bytes + kPoint);
  *out += '>';
  return true;
}

}  // namespace creche::pg
