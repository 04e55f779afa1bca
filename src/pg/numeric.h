// numeric, PostgreSQL's decimal number of any size: from its binary form (digits of base 10000) to
// text and to double. Malformed bytes give "NaN".
#pragma once
#include <cstddef>
#include <string>

namespace creche::pg {

// As PostgreSQL prints it, with all decimals of its scale. May throw bad_alloc.
std::string NumericToText(const char* bytes, size_t size);
// The nearest double.
double NumericToDouble(const char* bytes, size_t size) noexcept;

}  // namespace creche::pg
