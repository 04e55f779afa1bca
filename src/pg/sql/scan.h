// What SQL is written in, as far as one must know it to find the words.
#pragma once
#include <cstddef>
#include <string_view>

namespace creche::pg {

inline char Lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

inline bool IsDigit(char c) noexcept {
  return c >= '0' && c <= '9';
}

inline bool IsLetter(char c) noexcept {
  return Lower(c) >= 'a' && Lower(c) <= 'z';
}

inline bool IsWordByte(char c) noexcept {
  return static_cast<unsigned char>(c) >= 0x80 || c == '_' || IsDigit(c) || IsLetter(c);
}

// In whatever case.
inline bool SameWord(std::string_view word, std::string_view lower) noexcept {
  if (word.size() != lower.size()) return false;
  for (size_t i = 0; i < word.size(); i++)
    if (Lower(word[i]) != lower[i]) return false;
  return true;
}

// Behind the comment that begins at `at`; `at` itself if none does. One that is open ends with the
// text.
inline size_t PastComment(std::string_view sql, size_t at) noexcept {
  const std::string_view mark = sql.substr(at, 2);
  if (mark == "--") {
    const size_t end = sql.find('\n', at);
    return end == sql.npos ? sql.size() : end;
  }
  if (mark != "/*") return at;
  size_t depth = 0;
  do {
    const std::string_view two = sql.substr(at, 2);
    if (two == "/*") depth++;
    if (two == "*/") depth--;
    at += two == "/*" || two == "*/" ? 2 : 1;
  } while (depth > 0 && at < sql.size());
  return at;
}

}  // namespace creche::pg
