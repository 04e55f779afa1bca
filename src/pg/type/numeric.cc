#include "pg/type/numeric.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "pg/protocol/bytes.h"

namespace creche::pg {

namespace {

enum Sign : uint16_t {
  kPositive = 0x0000,
  kNegative = 0x4000,
  kNan = 0xc000,
  kInfinity = 0xd000,
  kMinusInfinity = 0xf000,
};

// Header: count of digits, weight of the first one (a power of 10000), sign, decimals to show.
struct Numeric {
  int count = 0;
  int weight = 0;
  uint16_t sign = kNan;
  int scale = 0;
  const char* digits = nullptr;

  Numeric(const char* bytes, size_t size) {
    if (size < 8) return;
    count = Load16(bytes);
    weight = static_cast<int16_t>(Load16(bytes + 2));
    sign = Load16(bytes + 4);
    scale = Load16(bytes + 6) & 0x3fff;
    digits = bytes + 8;
    if (size - 8 != static_cast<size_t>(count) * 2) {
      count = 0;
      sign = kNan;
    }
  }
  // The digit of base 10000 at a power; 0 where none is stored.
  unsigned At(int power) const {
    const int index = weight - power;
    if (index < 0 || index >= count) return 0;
    const unsigned digit = Load16(digits + 2 * index);
    return digit < 10000 ? digit : 0;
  }
};

// The four decimal digits of one of base 10000.
void Append4(std::string* text, unsigned digit) {
  const char four[4] = {
      static_cast<char>('0' + digit / 1000), static_cast<char>('0' + digit / 100 % 10),
      static_cast<char>('0' + digit / 10 % 10), static_cast<char>('0' + digit % 10)};
  text->append(four, 4);
}

}  // namespace

std::string NumericToText(const char* bytes, size_t size) {
  const Numeric n(bytes, size);
  switch (n.sign) {
    case kPositive:
    case kNegative:
      break;
    case kInfinity:
      return "Infinity";
    case kMinusInfinity:
      return "-Infinity";
    default:
      return "NaN";
  }
  std::string text;
  if (n.sign == kNegative) text += '-';
  if (n.weight < 0) {
    text += '0';
  } else {
    char first[8];
    const auto end = std::to_chars(first, first + sizeof first, n.At(n.weight)).ptr;
    text.append(first, end);
    for (int power = n.weight - 1; power >= 0; power--) Append4(&text, n.At(power));
  }
  if (n.scale == 0) return text;
  text += '.';
  const size_t length = text.size() + static_cast<size_t>(n.scale);
  for (int power = -1; text.size() < length; power--) Append4(&text, n.At(power));
  text.resize(length);
  return text;
}

double NumericToDouble(const char* bytes, size_t size) noexcept {
  const Numeric n(bytes, size);
  switch (n.sign) {
    case kPositive:
    case kNegative:
      break;
    case kInfinity:
      return std::numeric_limits<double>::infinity();
    case kMinusInfinity:
      return -std::numeric_limits<double>::infinity();
    default:
      return std::numeric_limits<double>::quiet_NaN();
  }
  // As "d.ddd...e±x", of which a double can tell apart the first 800 digits at most. What is cut
  // off only says that there is more: one digit that is not zero does.
  constexpr int kDigits = 200;
  char text[4 * kDigits + 32];
  char* p = text;
  if (n.sign == kNegative) *p++ = '-';
  const int kept = n.count < kDigits ? n.count : kDigits;
  for (int i = 0; i < kept; i++) {
    const unsigned digit = n.At(n.weight - i);
    for (unsigned unit = 1000; unit > 0; unit /= 10)
      *p++ = static_cast<char>('0' + digit / unit % 10);
  }
  if (kept == 0) *p++ = '0';
  int exponent = 4 * (n.weight - kept + 1);
  if (n.count > kept) {
    *p++ = '1';
    exponent--;
  }
  *p++ = 'e';
  p = std::to_chars(p, text + sizeof text, exponent).ptr;
  double value = 0;
  const auto result = std::from_chars(text, p, value);
  // Too big or too small: the weight tells, however many digits follow.
  if (result.ec == std::errc::result_out_of_range)
    value = n.weight > 0 ? std::numeric_limits<double>::infinity() : 0.0;
  if (result.ec != std::errc{} && n.sign == kNegative) value = -value;
  return value;
}

bool NumericToInteger(const char* bytes, size_t size, int64_t* value) noexcept {
  const Numeric n(bytes, size);
  if (n.sign != kPositive && n.sign != kNegative) return false;
  for (int i = 0; i < n.count; i++)
    if (n.weight - i < 0 && n.At(n.weight - i) != 0) return false;
  // Downwards: the least of all has no positive twin.
  int64_t whole = 0;
  for (int power = n.weight; power >= 0; power--)
    if (__builtin_mul_overflow(whole, 10'000, &whole) ||
        __builtin_sub_overflow(whole, static_cast<int64_t>(n.At(power)), &whole))
      return false;
  if (n.sign == kPositive && __builtin_sub_overflow(0, whole, &whole)) return false;
  *value = whole;
  return true;
}

bool NumericIsInfinite(const char* bytes, size_t size) noexcept {
  const Numeric n(bytes, size);
  return n.sign == kInfinity || n.sign == kMinusInfinity;
}

}  // namespace creche::pg
