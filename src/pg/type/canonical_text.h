// Which texts mean the same whatever type reads them. The server never looks again at the type that
// it has inferred for a parameter of a prepared statement. If the column is of another type by now,
// text is still read as the one before and written anew: "007" as an int4 is "7" in a column that
// is text today. What comes out as it went in does no harm. The functions of the table of types.
#pragma once
#include <string_view>

namespace creche::pg {

// True if a column of any type keeps this text as if it had read it itself, or the server refuses
// it.
bool IsAnyText(std::string_view text) noexcept;
// Without a fraction: with one it would be rounded to become an integer.
bool IsIntegerText(std::string_view text) noexcept;
// The bigger ones are negative as an int4.
bool IsOidText(std::string_view text) noexcept;
// What it becomes as text.
bool IsBoolText(std::string_view text) noexcept;
bool IsUuidText(std::string_view text) noexcept;
// A label of an enum. The type may also be a domain over another one: so none of the words that
// types read in a way of their own.
bool IsWordText(std::string_view text) noexcept;
// Arrays.
bool IsIntegersText(std::string_view text) noexcept;
bool IsWordsText(std::string_view text) noexcept;

}  // namespace creche::pg
