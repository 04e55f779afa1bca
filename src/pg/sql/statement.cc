#include "pg/sql/statement.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "pg/type/params.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

// The protocol counts parameters in 16 bits.
constexpr size_t kMaxValues = 65535;

constexpr size_t Align(size_t offset, size_t to) {
  return (offset + to - 1) & ~(to - 1);
}

// Past white space and comments.
std::string_view SkipToWord(std::string_view sql) {
  for (;;) {
    const size_t first = sql.find_first_not_of(" \t\r\n\f\v;(");
    if (first == sql.npos) return {};
    sql.remove_prefix(first);
    if (sql.starts_with("--")) {
      const size_t end = sql.find('\n');
      sql.remove_prefix(end == sql.npos ? sql.size() : end);
    } else if (sql.starts_with("/*")) {
      size_t depth = 1;
      size_t at = 2;
      while (at < sql.size() && depth > 0) {
        const std::string_view two = sql.substr(at, 2);
        if (two == "/*") depth++;
        if (two == "*/") depth--;
        at += two == "/*" || two == "*/" ? 2 : 1;
      }
      sql.remove_prefix(at < sql.size() ? at : sql.size());
    } else {
      return sql;
    }
  }
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || c == '_' || (c >= '0' && c <= '9') ||
         ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool StartsWithWord(std::string_view sql, std::string_view word) {
  if (sql.size() < word.size()) return false;
  for (size_t i = 0; i < word.size(); i++)
    if ((sql[i] | 0x20) != word[i]) return false;
  return sql.size() == word.size() || !IsWordByte(sql[word.size()]);
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

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
  return hash;
}

}  // namespace

Verb VerbOf(std::string_view sql) noexcept {
  sql = SkipToWord(sql);
  if (sql.empty()) return Verb::kOther;
  switch (sql[0] | 0x20) {
    case 'd':
      if (StartsWithWord(sql, "do")) return Verb::kProcedure;
      return StartsWithWord(sql, "delete") ? Verb::kQuery : Verb::kOther;
    case 'i':
      return StartsWithWord(sql, "insert") ? Verb::kQuery : Verb::kOther;
    case 'm':
      return StartsWithWord(sql, "merge") ? Verb::kQuery : Verb::kOther;
    case 't':
      return StartsWithWord(sql, "table") ? Verb::kQuery : Verb::kOther;
    case 'u':
      return StartsWithWord(sql, "update") ? Verb::kQuery : Verb::kOther;
    case 'v':
      return StartsWithWord(sql, "values") ? Verb::kQuery : Verb::kOther;
    case 'w':
      return StartsWithWord(sql, "with") ? Verb::kQuery : Verb::kOther;
    case 'c':
      if (StartsWithWord(sql, "copy")) return Verb::kCopy;
      if (StartsWithWord(sql, "call")) return Verb::kProcedure;
      return StartsWithWord(sql, "commit") ? Verb::kTransaction : Verb::kOther;
    case 'b':
      return StartsWithWord(sql, "begin") ? Verb::kTransaction : Verb::kOther;
    case 's':
      if (StartsWithWord(sql, "select")) return Verb::kQuery;
      return StartsWithWord(sql, "start") ? Verb::kTransaction : Verb::kOther;
    case 'r':
      return StartsWithWord(sql, "rollback") ? Verb::kTransaction : Verb::kOther;
    case 'e':
      return StartsWithWord(sql, "end") ? Verb::kTransaction : Verb::kOther;
    case 'a':
      return StartsWithWord(sql, "abort") ? Verb::kTransaction : Verb::kOther;
    default:
      return Verb::kOther;
  }
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

bool Statement::infers_types() const noexcept {
  return std::find(types(), types() + count_, uint32_t{kUnknownType}) != types() + count_;
}

Statement::Statement(std::string_view sql, const Value* values, size_t count)
    : sql_size_(sql.size()), count_(count), verb_(VerbOf(sql)) {
  if (count > kMaxValues) {
    error_ = MakeError(Status::kInvalid, Phase::kOptions,
                       "more than 65535 parameters: pass arrays, or split the statement");
    count_ = count = 0;
  }
  // The server takes no longer messages: it would end the session.
  constexpr size_t kMaxBytes = (size_t{1} << 30) - 1024;
  size_t wire = sql.size();
  for (size_t i = 0; i < count; i++) wire += EncodedSize(values[i]) + 10;
  if (wire > kMaxBytes) {
    error_ = MakeError(Status::kInvalid, Phase::kOptions,
                       "a statement with its parameters takes less than 1 GiB: split it");
    count_ = count = 0;
    sql = {};
    sql_size_ = 0;
  }
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) bytes += Align(EncodedSize(values[i]), 8);
  lengths_ = count * sizeof(const char*);
  formats_ = lengths_ + count * sizeof(int);
  types_ = formats_ + count * sizeof(int);
  size_t at = Align(types_ + count * sizeof(uint32_t), 8);
  sql_ = at + bytes;
  bytes_ = sql_ + sql.size() + 1;
  memory_.reset(new char[bytes_]);
  std::memcpy(memory_.get() + sql_, sql.data(), sql.size());
  memory_[sql_ + sql.size()] = '\0';

  hash_ = std::hash<std::string_view>{}(sql);
  for (size_t i = 0; i < count; i++) {
    Encoded encoded;
    char* out = memory_.get() + at;
    if (ErrorRef error = Encode(values[i], i + 1, out, &encoded); error && !error_)
      error_ = std::move(error);
    At<const char*>(0)[i] = encoded.null ? nullptr : out;
    At<int>(lengths_)[i] = static_cast<int>(encoded.size);
    At<int>(formats_)[i] = encoded.binary;
    At<uint32_t>(types_)[i] = values[i].type;
    hash_ = Mix(hash_, values[i].type);
    at += Align(EncodedSize(values[i]), 8);
  }
}

}  // namespace creche::pg
