#include "pg/sql/verb.h"

#include <algorithm>

#include "pg/sql/scan.h"

namespace creche::pg {

namespace {

// Past white space and comments.
std::string_view SkipToWord(std::string_view sql) {
  for (;;) {
    const size_t first = sql.find_first_not_of(" \t\r\n\f\v;(");
    if (first == sql.npos) return {};
    const size_t past = PastComment(sql, first);
    sql.remove_prefix(past);
    if (past == first) return sql;
  }
}

bool StartsWithWord(std::string_view sql, std::string_view word) {
  return SameWord(sql.substr(0, word.size()), word) &&
         (sql.size() == word.size() || !IsWordByte(sql[word.size()]));
}

// True if `part`, of which the byte `mark` is one, stands anywhere, in whatever case.
bool Contains(std::string_view sql, std::string_view part, char mark) {
  const size_t before = part.find(mark);
  for (size_t at = 0; (at = sql.find(mark, at)) != sql.npos; at++) {
    if (at < before || sql.size() - (at - before) < part.size()) continue;
    const std::string_view there = sql.substr(at - before, part.size());
    const auto same = [](char a, char b) { return Lower(a) == b; };
    if (std::equal(there.begin(), there.end(), part.begin(), same)) return true;
  }
  return false;
}

// A name that begins with pg_, and is no function's or schema's: pg_class, not pg_sleep(1).
bool NamesSystemTable(std::string_view sql) {
  for (size_t at = 0; (at = sql.find('_', at)) != sql.npos; at++) {
    if (at < 2 || !SameWord(sql.substr(at - 2, 2), "pg") || (at > 2 && IsWordByte(sql[at - 3])))
      continue;
    size_t end = at;
    while (end < sql.size() && IsWordByte(sql[end])) end++;
    const size_t next = sql.find_first_not_of(" \t\r\n", end);
    if (next == sql.npos || (sql[next] != '(' && sql[next] != '.')) return true;
  }
  return false;
}

// SELECT ... INTO makes a table, and its tag is that of a SELECT. The word in a string counts, too:
// then the session is reset for nothing. That of INSERT INTO and MERGE INTO does not.
bool SelectsInto(std::string_view sql) {
  for (size_t at = 1; at < sql.size(); at++) {
    if ((sql[at] | 0x20) != 'i' || IsWordByte(sql[at - 1])) continue;
    if (!StartsWithWord(sql.substr(at), "into")) continue;
    const size_t end = sql.find_last_not_of(" \t\r\n\f\v", at - 1) + 1;
    const std::string_view before = sql.substr(0, end);
    const auto follows = [before](std::string_view word) {
      if (before.size() <= word.size()) return false;
      const size_t start = before.size() - word.size();
      return !IsWordByte(before[start - 1]) && StartsWithWord(before.substr(start), word);
    };
    if (end == at || !(follows("insert") || follows("merge"))) return true;
  }
  return false;
}

}  // namespace

Verb VerbOf(std::string_view sql) noexcept {
  static constexpr struct {
    std::string_view word;
    Verb verb;
  } kVerbs[] = {
      {"select", Verb::kQuery},
      {"insert", Verb::kQuery},
      {"update", Verb::kQuery},
      {"delete", Verb::kQuery},
      {"with", Verb::kQuery},
      {"values", Verb::kQuery},
      {"merge", Verb::kQuery},
      {"table", Verb::kQuery},
      {"copy", Verb::kCopy},
      {"begin", Verb::kTransaction},
      {"start", Verb::kTransaction},
      {"commit", Verb::kTransaction},
      {"end", Verb::kTransaction},
      {"abort", Verb::kTransaction},
      {"rollback", Verb::kTransaction},
      {"call", Verb::kProcedure},
      {"do", Verb::kProcedure},
  };
  sql = SkipToWord(sql);
  for (const auto& [word, verb] : kVerbs)
    if (StartsWithWord(sql, word)) return verb;
  return Verb::kOther;
}

bool LeavesState(std::string_view sql) noexcept {
  if (Contains(sql, "set_config", '_') || Contains(sql, "advisory_lock", '_')) return true;
  // A name that is written so may be any of these.
  if (Contains(sql, "u&\"", '&')) return true;
  const std::string_view start = SkipToWord(sql);
  const bool select = StartsWithWord(start, "select");
  // Its rule calls set_config.
  if (!select && Contains(sql, "pg_settings", '_')) return true;
  return (select || StartsWithWord(start, "with")) && SelectsInto(start);
}

bool ReadsCatalog(std::string_view sql) noexcept {
  return NamesSystemTable(sql) || Contains(sql, "acl", 'c') || Contains(sql, "gtsvector", 'g');
}

Renames RenamesOf(std::string_view sql, bool script) noexcept {
  if (script) {
    if (Contains(sql, "alter", 't')) return Renames::kEverybody;
    static constexpr std::string_view kWords[] = {"create",  "drop",       "search_path",
                                                  "schema",  "set_config", "reset",
                                                  "discard", "role",       "authorization"};
    for (const std::string_view word : kWords)
      if (Contains(sql, word, word[0])) return Renames::kSession;
    return Renames::kNothing;
  }
  const std::string_view start = SkipToWord(sql);
  if (StartsWithWord(start, "alter")) return Renames::kEverybody;
  static constexpr std::string_view kFirst[] = {"create",  "drop", "import",
                                                "discard", "call", "do"};
  for (const std::string_view word : kFirst)
    if (StartsWithWord(start, word)) return Renames::kSession;
  if (Contains(sql, "search_path", '_') || Contains(sql, "set_config($", '$'))
    return Renames::kSession;
  if (!StartsWithWord(start, "set") && !StartsWithWord(start, "reset")) return Renames::kNothing;
  static constexpr std::string_view kSet[] = {"schema", "role", "authorization", "all"};
  for (const std::string_view word : kSet)
    if (Contains(start, word, word[0])) return Renames::kSession;
  return Renames::kNothing;
}

}  // namespace creche::pg
