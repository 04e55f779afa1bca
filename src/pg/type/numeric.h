// numeric, PostgreSQL's decimal number of any size: from its binary form (digits of base 10000) to
// text, to double and to integers. Malformed bytes give "NaN".
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace creche::pg {

// As PostgreSQL prints it, with all decimals of its scale. May throw bad_alloc.
std::string NumericToText(const char* bytes, size_t size);
// The nearest double.
double NumericToDouble(const char* bytes, size_t size) noexcept;
// False if it is no whole number (2.00 is one), or does not fit.
bool NumericToInteger(const char* bytes, size_t size, int64_t* value) noexcept;
// Infinity or -Infinity.
bool NumericIsInfinite(const char* bytes, size_t size) noexcept;

}  // namespace creche::pg
