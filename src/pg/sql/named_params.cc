#include "pg/sql/named_params.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "pg/sql/scan.h"

namespace creche::pg {

namespace {

bool BeginsName(char c) noexcept {
  return IsWordByte(c) && !IsDigit(c);
}

// Behind the text in quotes that begins at `at`. backslash: it escapes, too.
size_t PastQuoted(std::string_view sql, size_t at, bool backslash) noexcept {
  const char quote = sql[at++];
  for (; at < sql.size(); at++) {
    if (backslash && sql[at] == '\\') {
      at++;
    } else if (sql[at] == quote) {
      if (at + 1 >= sql.size() || sql[at + 1] != quote) return at + 1;
      at++;  // doubled
    }
  }
  return sql.size();
}

// Behind $tag$ ... $tag$; `at` itself if none begins there.
size_t PastDollars(std::string_view sql, size_t at) noexcept {
  size_t end = at + 1;
  if (end < sql.size() && IsDigit(sql[end])) return at;
  while (end < sql.size() && IsWordByte(sql[end])) end++;
  if (end >= sql.size() || sql[end] != '$') return at;
  const std::string_view tag = sql.substr(at, end + 1 - at);
  const size_t closed = sql.find(tag, end + 1);
  return closed == sql.npos ? sql.size() : closed + tag.size();
}

// Behind what is no place for a parameter; `at` itself if there may be one.
size_t PastOther(std::string_view sql, size_t at) noexcept {
  const char c = sql[at];
  const std::string_view two = sql.substr(at, 2);
  if (IsWordByte(c)) {
    size_t end = at;
    // A dollar inside of a word is a part of it.
    while (end < sql.size() && (IsWordByte(sql[end]) || sql[end] == '$')) end++;
    const bool escapes = end == at + 1 && Lower(c) == 'e' && end < sql.size() && sql[end] == '\'';
    return escapes ? PastQuoted(sql, end, true) : end;
  }
  if (c == '\'' || c == '"') return PastQuoted(sql, at, false);
  if (two == "::" || two == ":=") return at + 2;
  if (c == '$') return PastDollars(sql, at);
  return PastComment(sql, at);
}

}  // namespace

Numbered NumberNames(std::string_view sql, const char* const* names, size_t count) {
  Numbered made;
  std::unordered_map<std::string_view, size_t> numbers;
  for (size_t i = 0; i < count; i++) {
    const std::string_view name = names[i] ? names[i] : "";
    const bool word = std::all_of(name.begin(), name.end(), IsWordByte);
    if (name.empty() || !BeginsName(name[0]) || !word || !numbers.emplace(name, i + 1).second) {
      made.problem = Numbered::Problem::kNoName;
      made.name = name;
      return made;
    }
  }
  std::vector<bool> used(count + 1);
  made.sql.reserve(sql.size());
  for (size_t at = 0; at < sql.size();) {
    if (const size_t past = PastOther(sql, at); past > at) {
      made.sql.append(sql.substr(at, past - at));
      at = past;
      continue;
    }
    const bool more = at + 1 < sql.size();
    if (sql[at] == '$' && more && IsDigit(sql[at + 1])) {
      made.problem = Numbered::Problem::kNumbered;
      return made;
    }
    if (sql[at] != ':' || !more || !BeginsName(sql[at + 1])) {
      made.sql += sql[at++];
      continue;
    }
    size_t end = at + 1;
    while (end < sql.size() && IsWordByte(sql[end])) end++;
    const std::string_view name = sql.substr(at + 1, end - at - 1);
    const auto found = numbers.find(name);
    if (found == numbers.end()) {
      made.problem = Numbered::Problem::kUnknown;
      made.name = name;
      return made;
    }
    used[found->second] = true;
    made.sql += '$';
    made.sql += std::to_string(found->second);
    at = end;
  }
  for (size_t i = 1; i <= count; i++) {
    if (used[i]) continue;
    made.problem = Numbered::Problem::kUnused;
    made.name = names[i - 1];
    break;
  }
  return made;
}

}  // namespace creche::pg
