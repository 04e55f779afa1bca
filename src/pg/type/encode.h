// From numbers to PostgreSQL's binary forms: the functions of the table of types. Null, or why the
// number cannot be sent; the buffer has room for eight bytes.
#pragma once
#include <cstdint>

namespace creche::pg {

const char* EncodeBool(int64_t value, char* out) noexcept;
const char* EncodeInt2(int64_t value, char* out) noexcept;
const char* EncodeInt4(int64_t value, char* out) noexcept;
const char* EncodeInt8(int64_t value, char* out) noexcept;
const char* EncodeOid(int64_t value, char* out) noexcept;
// Days since 1970.
const char* EncodeDate(int64_t value, char* out) noexcept;
// Microseconds since 1970.
const char* EncodeTimestamp(int64_t value, char* out) noexcept;
const char* EncodeFloat4(double value, char* out) noexcept;
const char* EncodeFloat8(double value, char* out) noexcept;

}  // namespace creche::pg
