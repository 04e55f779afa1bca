#include "pg/connect/balance_word.h"

#include <algorithm>
#include <string_view>

namespace creche::pg {

namespace {

constexpr std::string_view kWord = "load_balance_hosts";
constexpr std::string_view kBlank = " \t\n\r\f\v";

// "...?a=b&load_balance_hosts=random&c=d"
std::optional<std::string> TakeFromUri(std::string* dsn) {
  std::optional<std::string> found;
  size_t at = dsn->find('?');
  while (at < dsn->size()) {
    const size_t end = std::min(dsn->find('&', at + 1), dsn->size());
    const std::string_view pair = std::string_view(*dsn).substr(at + 1, end - at - 1);
    if (!pair.starts_with(kWord) || !pair.substr(kWord.size()).starts_with('=')) {
      at = end;
      continue;
    }
    found = pair.substr(kWord.size() + 1);
    // The mark in front stays for the next one, or goes with the last.
    if (end < dsn->size())
      dsn->erase(at + 1, end - at);
    else
      dsn->erase(at);
  }
  return found;
}

// Where a value ends (npos: it does not), and what it is: 'in quotes' or not, with backslashes in
// front of bytes.
size_t ReadValue(std::string_view dsn, size_t at, std::string* value) {
  const bool quoted = at < dsn.size() && dsn[at] == '\'';
  if (quoted) at++;
  for (; at < dsn.size(); at++) {
    if (quoted ? dsn[at] == '\'' : kBlank.find(dsn[at]) != kBlank.npos) break;
    if (dsn[at] == '\\' && ++at == dsn.size()) break;
    *value += dsn[at];
  }
  if (!quoted) return at;
  return at < dsn.size() ? at + 1 : dsn.npos;
}

// "a=b load_balance_hosts = 'random' c=d"
std::optional<std::string> TakeFromPairs(std::string* dsn) {
  std::optional<std::string> found;
  const auto skip = [&](size_t at) {
    return std::min(dsn->find_first_not_of(kBlank, at), dsn->size());
  };
  for (size_t start = skip(0); start < dsn->size();) {
    const size_t equals = dsn->find('=', start);
    if (equals == dsn->npos) break;  // for libpq to refuse
    std::string_view name = std::string_view(*dsn).substr(start, equals - start);
    name = name.substr(0, name.find_last_not_of(kBlank) + 1);
    std::string value;
    const size_t end = ReadValue(*dsn, skip(equals + 1), &value);
    if (end == dsn->npos) break;  // so is this
    if (name == kWord) {
      found = std::move(value);
      dsn->erase(start, end - start);
      start = skip(start);
    } else {
      start = skip(end);
    }
  }
  return found;
}

}  // namespace

std::optional<std::string> TakeBalanceWord(std::string* dsn) {
  const bool uri = dsn->starts_with("postgresql://") || dsn->starts_with("postgres://");
  return uri ? TakeFromUri(dsn) : TakeFromPairs(dsn);
}

}  // namespace creche::pg
