// From texts of values to what their binary forms are made of, for types whose text means the same
// whatever a session's settings are. Null, or why it is none that can be read here. Any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace creche::pg {

const char* ParseBool(std::string_view text, int64_t* value) noexcept;
const char* ParseInteger(std::string_view text, int64_t* value) noexcept;
// single: as a float4, which is rounded once only.
const char* ParseReal(std::string_view text, bool single, double* value) noexcept;
// Appends the binary form. May throw bad_alloc.
const char* ParseNumeric(std::string_view text, std::string* out);
// Appends 16 bytes. May throw bad_alloc.
const char* ParseUuid(std::string_view text, std::string* out);
// Appends what "\x..." stands for. May throw bad_alloc.
const char* ParseBytes(std::string_view text, std::string* out);
// ISO 8601, as PostgreSQL prints it: days since 1970 of a date (what follows it does not count),
// microseconds since 1970 of a timestamp (whose zone does not count) and of a timestamptz (which
// has one). The infinities are INT64_MAX and INT64_MIN.
const char* ParseDate(std::string_view text, int64_t* days) noexcept;
const char* ParseTimestamp(std::string_view text, bool zoned, int64_t* microseconds) noexcept;

}  // namespace creche::pg
