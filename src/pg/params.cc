#include "pg/params.h"

#include <bit>
#include <climits>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <string>

#include "pg/bytes.h"
#include "pg/types.h"

namespace creche::pg {

namespace {

ErrorRef Bad(Status status, size_t number, const char* why) noexcept {
  try {
    return MakeError(ErrorInfo{.status = status,
                               .phase = Phase::kOptions,
                               .message = "parameter $" + std::to_string(number) + ": " + why,
                               .flags = kUnsent});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

bool Within(int64_t value, int64_t low, int64_t high) {
  return value >= low && value <= high;
}

ErrorRef EncodeInteger(const Value& value, size_t number, char* out, size_t* size) noexcept {
  const int64_t integer = value.integer;
  switch (value.type) {
    case kBool:
      if (!Within(integer, 0, 1)) return Bad(Status::kInvalid, number, "a bool is 0 or 1");
      *out = static_cast<char>(integer);
      *size = 1;
      return {};
    case kInt2:
      if (!Within(integer, INT16_MIN, INT16_MAX))
        return Bad(Status::kInvalid, number, "out of range for int2; declare it as int4 or int8");
      Store16(out, static_cast<uint16_t>(integer));
      *size = 2;
      return {};
    case kInt4:
      if (!Within(integer, INT32_MIN, INT32_MAX))
        return Bad(Status::kInvalid, number, "out of range for int4; declare it as int8");
      Store32(out, static_cast<uint32_t>(integer));
      *size = 4;
      return {};
    case kInt8:
      Store64(out, static_cast<uint64_t>(integer));
      *size = 8;
      return {};
    case kTimestamp:
    case kTimestamptz: {
      int64_t since_2000 = integer;  // the infinities stay
      if (integer != INT64_MAX && integer != INT64_MIN &&
          (__builtin_sub_overflow(integer, kEpochMicroseconds, &since_2000) ||
           since_2000 == INT64_MIN))
        return Bad(Status::kInvalid, number, "before the beginning of PostgreSQL's calendar");
      Store64(out, static_cast<uint64_t>(since_2000));
      *size = 8;
      return {};
    }
    default:
      return Bad(Status::kType, number,
                 "an integer needs the type bool, int2, int4, int8, timestamp or timestamptz; send "
                 "others as text or in their binary form");
  }
}

ErrorRef EncodeReal(const Value& value, size_t number, char* out, size_t* size) noexcept {
  if (value.type == kFloat8) {
    Store64(out, std::bit_cast<uint64_t>(value.real));
    *size = 8;
    return {};
  }
  if (value.type != kFloat4)
    return Bad(Status::kType, number,
               "a real needs the type float4 or float8; send others as text");
  const double magnitude = std::fabs(value.real);
  if (std::isfinite(magnitude) && magnitude > double{std::numeric_limits<float>::max()})
    return Bad(Status::kInvalid, number, "out of range for float4; declare it as float8");
  // Nor is it rounded to nothing.
  if (magnitude != 0 && static_cast<float>(magnitude) == 0)
    return Bad(Status::kInvalid, number, "too small for float4; declare it as float8");
  Store32(out, std::bit_cast<uint32_t>(static_cast<float>(value.real)));
  *size = 4;
  return {};
}

}  // namespace

ErrorRef Encode(const Value& value, size_t number, char* out, Encoded* encoded) noexcept {
  *encoded = {};
  switch (value.form) {
    case Value::kNull:
      encoded->null = true;
      return {};
    case Value::kInteger:
      encoded->binary = true;
      return EncodeInteger(value, number, out, &encoded->size);
    case Value::kReal:
      encoded->binary = true;
      return EncodeReal(value, number, out, &encoded->size);
    case Value::kText:
    case Value::kBinary:
      break;
    default:
      return Bad(Status::kInvalid, number, "unknown form (CRECHE_VALUE_*)");
  }
  if (!value.data && value.size != 0)
    return Bad(Status::kInvalid, number, "data is NULL but size is not 0");
  if (value.size >= INT_MAX) return Bad(Status::kInvalid, number, "bigger than 2 GiB");
  encoded->binary = value.form == Value::kBinary;
  if (encoded->binary && value.type == kUnknownType)
    return Bad(Status::kType, number,
               "bytes in binary form need a type: with an inferred one they could be misread");
  if (!encoded->binary && value.size != 0 && std::memchr(value.data, '\0', value.size))
    return Bad(Status::kInvalid, number, "text holds a NUL byte; send it as bytea");
  if (value.size != 0) std::memcpy(out, value.data, value.size);
  out[value.size] = '\0';
  encoded->size = value.size;
  return {};
}

}  // namespace creche::pg
