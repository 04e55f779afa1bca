#include "pg/type/params.h"

#include <climits>
#include <cstring>
#include <new>
#include <string>

#include "pg/type/type.h"

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

// A number in the form of its type.
ErrorRef EncodeNumber(const Value& value, size_t number, char* out, size_t* size) noexcept {
  const Type& type = TypeOf(value.type);
  const bool integer = value.form == Value::kInteger;
  if (integer ? !type.encode_integer : !type.encode_real)
    return Bad(Status::kType, number,
               integer ? "an integer needs the type bool, int2, int4, int8, oid, date, timestamp "
                         "or timestamptz; send "
                         "others as text or in their binary form"
                       : "a real needs the type float4 or float8; send others as text");
  *size = type.size;
  const char* why =
      integer ? type.encode_integer(value.integer, out) : type.encode_real(value.real, out);
  return why ? Bad(Status::kInvalid, number, why) : nullptr;
}

}  // namespace

ErrorRef Encode(const Value& value, size_t number, char* out, Encoded* encoded) noexcept {
  *encoded = {};
  switch (value.form) {
    case Value::kNull:
      encoded->null = true;
      return {};
    case Value::kInteger:
    case Value::kReal:
      encoded->binary = true;
      return EncodeNumber(value, number, out, &encoded->size);
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
  encoded->size = value.size;
  return {};
}

}  // namespace creche::pg
