// UTF-8: every message is valid, whatever bytes of files, servers and users have come into it.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace creche {

// The length of the valid UTF-8 character that `bytes` begins with (no overlong form, no surrogate,
// up to U+10FFFF); 0 if it begins with none.
size_t CharacterAt(std::string_view bytes) noexcept;

// Puts U+FFFD in the place of each byte that belongs to no character. May throw.
void MakeUtf8(std::string* text);
// The same in a NUL-terminated text that may not grow, with question marks.
void MakeUtf8(char* text) noexcept;

}  // namespace creche
