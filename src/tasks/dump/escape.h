// Names, sites and reasons are bytes of the user's: how they are written in dumps.
#pragma once
#include <string>
#include <string_view>

namespace creche::tasks {

// All append to *out. As in C, one line: \" \\ \xNN.
void EscapeText(std::string_view bytes, std::string* out);
// The inside of a JSON string; U+FFFD for each byte that is no UTF-8.
void EscapeJson(std::string_view bytes, std::string* out);
// The inside of a double-quoted label of DOT, which knows escapes and entities of its own.
void EscapeDot(std::string_view bytes, std::string* out);

}  // namespace creche::tasks
