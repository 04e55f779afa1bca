#include "pg/type/canonical_text.h"

#include <algorithm>

#include "pg/sql/scan.h"

namespace creche::pg {

namespace {

// All this is done on the loop's thread: what is longer is not looked at, and parsed each time.
constexpr size_t kMost = 64 * 1024;

bool IsLetterOrBar(char c) {
  return IsLetter(c) || c == '_';
}

bool IsNatural(std::string_view text) {
  if (text.empty() || text.size() > kMost || (text[0] == '0' && text.size() > 1)) return false;
  return std::all_of(text.begin(), text.end(), IsDigit);
}

// What an array writes without quotes, and reads as it is.
bool IsPlainElement(std::string_view text) {
  return !text.empty() && !SameWord(text, "null") &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsLetterOrBar(c) || IsDigit(c) || c == '-' || c == '.' || c == ':' || c == '@';
         });
}

template <class Test>
bool IsListOf(std::string_view text, Test test) {
  if (text.size() < 2 || text.size() > kMost || text.front() != '{' || text.back() != '}')
    return false;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const size_t comma = text.find(',');
    if (!test(text.substr(0, comma))) return false;
    if (comma == text.npos) return true;
    text.remove_prefix(comma + 1);
    if (text.empty()) return false;
  }
  return true;
}

}  // namespace

bool IsAnyText(std::string_view) noexcept {
  return true;
}

bool IsIntegerText(std::string_view text) noexcept {
  return text.starts_with('-') ? text != "-0" && IsNatural(text.substr(1)) : IsNatural(text);
}

bool IsOidText(std::string_view text) noexcept {
  return text.size() < 10 && IsNatural(text);
}

bool IsBoolText(std::string_view text) noexcept {
  return text == "true" || text == "false";
}

bool IsUuidText(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); i++) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsDigit(text[i]) && !(text[i] >= 'a' && text[i] <= 'f'))
      return false;
  }
  return true;
}

bool IsWordText(std::string_view text) noexcept {
  static constexpr std::string_view kBools[] = {"true", "false", "yes", "no", "on", "off"};
  static constexpr std::string_view kOthers[] = {
      "nan", "inf", "infinity", "now", "today", "tomorrow", "yesterday", "epoch", "allballs"};
  constexpr size_t kMaxName = 63;
  if (text.empty() || text.size() > kMaxName || !IsLetter(text[0]) ||
      !std::all_of(text.begin(), text.end(), IsLetterOrBar))
    return false;
  for (const std::string_view word : kBools)  // a bool may be cut short
    if (SameWord(text, word.substr(0, text.size()))) return false;
  for (const std::string_view word : kOthers)
    if (SameWord(text, word)) return false;
  return true;
}

bool IsIntegersText(std::string_view text) noexcept {
  return IsListOf(text, IsIntegerText);
}

bool IsWordsText(std::string_view text) noexcept {
  return IsListOf(text, IsPlainElement);
}

}  // namespace creche::pg
