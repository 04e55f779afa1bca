// Which texts mean the same whatever type reads them. The server never looks again at the type that
// it has inferred for a parameter of a prepared statement. If the column is of another type by now,
// text is still read as the one before and written anew: "007" as an int4 is "7" in a column that
// is text today. What comes out as it went in does no harm.
#pragma once
#include <cstdint>
#include <string_view>

namespace creche::pg {

// False if no text of this type is known to be safe: such a statement is not worth being kept.
bool HasCanonicalText(uint32_t type) noexcept;
// True if a column of any type keeps this text as if it had read it itself, or the server refuses
// it.
bool IsCanonicalText(uint32_t type, std::string_view text) noexcept;

}  // namespace creche::pg
