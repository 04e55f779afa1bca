#include "pg/type/canonical_text.h"

#include <algorithm>

#include "pg/type/oid.h"

namespace creche::pg {

namespace {

enum class Form : uint8_t { kNone, kAny, kInteger, kOid, kBool, kUuid, kWord, kIntegers, kWords };

// Those that are missing are read in too many ways: times, floats, bytea, inet, jsonb, char(n), ...
constexpr Form FormOf(uint32_t type) {
  constexpr uint32_t kInt2Array = 1005, kInt4Array = 1007, kInt8Array = 1016;
  constexpr uint32_t kTextArray = 1009, kVarcharArray = 1015;
  switch (type) {
    case kText:
    case kVarchar:
    case kJson:  // kept as it is written
      return Form::kAny;
    case kInt2:
    case kInt4:
    case kInt8:
    case kNumeric:  // with a fraction it would be rounded to become an integer
      return Form::kInteger;
    case kOid:
      return Form::kOid;
    case kBool:
      return Form::kBool;
    case kUuid:
      return Form::kUuid;
    case kInt2Array:
    case kInt4Array:
    case kInt8Array:
      return Form::kIntegers;
    case kTextArray:
    case kVarcharArray:
      return Form::kWords;
    default:
      return type >= kFirstUserType ? Form::kWord : Form::kNone;
  }
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsLetterOrBar(char c) {
  return IsLetter(c) || c == '_';
}

bool IsNatural(std::string_view text) {
  if (text.empty() || (text[0] == '0' && text.size() > 1)) return false;
  return std::all_of(text.begin(), text.end(), IsDigit);
}

bool IsInteger(std::string_view text) {
  return text.starts_with('-') ? text != "-0" && IsNatural(text.substr(1)) : IsNatural(text);
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); i++) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !IsDigit(text[i]) && !(text[i] >= 'a' && text[i] <= 'f'))
      return false;
  }
  return true;
}

bool SameWord(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a | 0x20) == b; });
}

// A label of an enum. The type may also be a domain over another one: so none of the words that
// types read in a way of their own.
bool IsWord(std::string_view text) {
  static constexpr std::string_view kBools[] = {"true", "false", "yes", "no", "on", "off"};
  static constexpr std::string_view kOthers[] = {
      "nan", "inf", "infinity", "now", "today", "tomorrow", "yesterday", "epoch", "allballs"};
  constexpr size_t kMaxName = 63;
  if (text.empty() || text.size() > kMaxName || !IsLetter(text[0]) ||
      !std::all_of(text.begin(), text.end(), IsLetterOrBar))
    return false;
  for (const std::string_view word : kBools)  // a bool may be cut short
    if (text.size() <= word.size() && SameWord(text, word.substr(0, text.size()))) return false;
  for (const std::string_view word : kOthers)
    if (SameWord(text, word)) return false;
  return true;
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
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return false;
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

bool HasCanonicalText(uint32_t type) noexcept {
  return FormOf(type) != Form::kNone;
}

bool IsCanonicalText(uint32_t type, std::string_view text) noexcept {
  switch (FormOf(type)) {
    case Form::kAny:
      return true;
    case Form::kInteger:
      return IsInteger(text);
    case Form::kOid:
      // The bigger ones are negative as an int4.
      return text.size() < 10 && IsNatural(text);
    case Form::kBool:
      // What it becomes as text.
      return text == "true" || text == "false";
    case Form::kUuid:
      return IsUuid(text);
    case Form::kWord:
      return IsWord(text);
    case Form::kIntegers:
      return IsListOf(text, IsInteger);
    case Form::kWords:
      return IsListOf(text, IsPlainElement);
    case Form::kNone:
      break;
  }
  return false;
}

}  // namespace creche::pg
