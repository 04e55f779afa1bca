#include "pg/type/print.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <string_view>

#include "pg/type/numeric.h"

namespace creche::pg {

void AppendInteger(std::string* out, int64_t value, int width) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  for (auto n = end - digits; n < width; n++) *out += '0';
  out->append(digits, end);
}

void AppendHex(std::string* out, const char* bytes, size_t size) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    *out += kHex[byte >> 4];
    *out += kHex[byte & 15];
  }
}

namespace {

// The shortest digits that give the same number again; an exponent from `wide` on and below -4.
template <class Real>
void AppendReal(std::string* out, Real value, int wide) {
  if (std::isnan(value)) return out->append("NaN"), void();
  if (std::isinf(value)) return out->append(value < 0 ? "-Infinity" : "Infinity"), void();
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const std::string_view all(text, static_cast<size_t>(end - text));
  const size_t e = all.find('e');
  int exponent = 0;
  std::from_chars(text + e + (text[e + 1] == '+' ? 2 : 1), end, exponent);
  if (exponent < -4 || exponent >= wide) return out->append(all), void();
  const auto plain = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
  out->append(text, plain);
}

}  // namespace

bool PrintBool(std::string* out, const RowView::Cell& cell) {
  out->append(cell.bits ? "t" : "f");
  return true;
}

bool PrintInteger(std::string* out, const RowView::Cell& cell) {
  AppendInteger(out, static_cast<int64_t>(cell.bits));
  return true;
}

bool PrintFloat4(std::string* out, const RowView::Cell& cell) {
  AppendReal(out, static_cast<float>(std::bit_cast<double>(cell.bits)), 6);
  return true;
}

void AppendFloat8(std::string* out, double value) {
  AppendReal(out, value, 15);
}

bool PrintFloat8(std::string* out, const RowView::Cell& cell) {
  AppendFloat8(out, std::bit_cast<double>(cell.bits));
  return true;
}

bool PrintNumeric(std::string* out, const RowView::Cell& cell) {
  out->append(NumericToText(cell.bytes, cell.size));
  return true;
}

bool PrintUuid(std::string* out, const RowView::Cell& cell) {
  static constexpr size_t kGroups[] = {4, 2, 2, 2, 6};
  if (cell.size != 16) return false;
  const char* bytes = cell.bytes;
  for (const size_t group : kGroups) {
    if (bytes != cell.bytes) *out += '-';
    AppendHex(out, bytes, group);
    bytes += group;
  }
  return true;
}

}  // namespace creche::pg
