#include "pg/type/encode.h"

#include <bit>
#include <cmath>
#include <limits>

#include "pg/protocol/bytes.h"
#include "pg/type/oid.h"

namespace creche::pg {

const char* EncodeBool(int64_t value, char* out) noexcept {
  if (value != 0 && value != 1) return "a bool is 0 or 1";
  *out = static_cast<char>(value);
  return nullptr;
}

const char* EncodeInt2(int64_t value, char* out) noexcept {
  if (value < INT16_MIN || value > INT16_MAX)
    return "out of range for int2; declare it as int4 or int8";
  Store16(out, static_cast<uint16_t>(value));
  return nullptr;
}

const char* EncodeInt4(int64_t value, char* out) noexcept {
  if (value < INT32_MIN || value > INT32_MAX) return "out of range for int4; declare it as int8";
  Store32(out, static_cast<uint32_t>(value));
  return nullptr;
}

const char* EncodeInt8(int64_t value, char* out) noexcept {
  Store64(out, static_cast<uint64_t>(value));
  return nullptr;
}

const char* EncodeOid(int64_t value, char* out) noexcept {
  if (value < 0 || value > UINT32_MAX) return "out of range for oid";
  Store32(out, static_cast<uint32_t>(value));
  return nullptr;
}

const char* EncodeDate(int64_t value, char* out) noexcept {
  int64_t since_2000 = value > 0 ? INT32_MAX : INT32_MIN;  // the infinities
  if (value != INT64_MAX && value != INT64_MIN) {
    if (value <= INT32_MIN + kEpochDays || value >= INT32_MAX)
      return "outside of PostgreSQL's calendar";
    since_2000 = value - kEpochDays;
  }
  Store32(out, static_cast<uint32_t>(since_2000));
  return nullptr;
}

const char* EncodeTimestamp(int64_t value, char* out) noexcept {
  int64_t since_2000 = value;  // the infinities stay
  if (value != INT64_MAX && value != INT64_MIN &&
      (__builtin_sub_overflow(value, kEpochMicroseconds, &since_2000) || since_2000 == INT64_MIN))
    return "before the beginning of PostgreSQL's calendar";
  Store64(out, static_cast<uint64_t>(since_2000));
  return nullptr;
}

const char* EncodeFloat4(double value, char* out) noexcept {
  const double magnitude = std::fabs(value);
  if (std::isfinite(magnitude) && magnitude > double{std::numeric_limits<float>::max()})
    return "out of range for float4; declare it as float8";
  // Nor is it rounded to nothing.
  if (magnitude != 0 && static_cast<float>(magnitude) == 0)
    return "too small for float4; declare it as float8";
  Store32(out, std::bit_cast<uint32_t>(static_cast<float>(value)));
  return nullptr;
}

const char* EncodeFloat8(double value, char* out) noexcept {
  Store64(out, std::bit_cast<uint64_t>(value));
  return nullptr;
}

}  // namespace creche::pg
