#include "pg/sql/copy_statement.h"

#include "pg/sql/scan.h"

namespace creche::pg {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view sql) : rest_(sql) { Skip(); }
  std::string_view rest() const noexcept { return rest_; }

  bool Take(std::string_view word) noexcept {
    if (!SameWord(rest_.substr(0, word.size()), word)) return false;
    if (IsWordByte(word[0]) && rest_.size() > word.size() && IsPart(rest_[word.size()]))
      return false;
    rest_.remove_prefix(word.size());
    Skip();
    return true;
  }
  // Appends a name as it is written.
  bool Name(std::string* out) {
    size_t end = 0;
    if (rest_.starts_with('"')) {
      do {
        end = rest_.find('"', end + 1);
        if (end == rest_.npos) return false;
        end++;
      } while (rest_.substr(end, 1) == "\"");
    } else {
      while (end < rest_.size() && IsPart(rest_[end])) end++;
      if (end == 0 || IsDigit(rest_[0]) || rest_[0] == '$') return false;
      // U&"..." is read by other rules.
      if (rest_.substr(end, 2) == "&\"") return false;
    }
    out->append(rest_.substr(0, end));
    rest_.remove_prefix(end);
    Skip();
    return true;
  }

 private:
  static bool IsPart(char c) noexcept { return IsWordByte(c) || c == '$'; }
  // White space and comments.
  void Skip() noexcept {
    for (;;) {
      const size_t first = rest_.find_first_not_of(" \t\r\n\f\v");
      rest_.remove_prefix(first == rest_.npos ? rest_.size() : first);
      const size_t past = PastComment(rest_, 0);
      if (past == 0) return;
      rest_.remove_prefix(past);
    }
  }
  std::string_view rest_;
};

bool ReadColumns(Reader* in, std::string* columns) {
  do {
    if (!columns->empty()) *columns += ", ";
    if (!in->Name(columns)) return false;
  } while (in->Take(","));
  return in->Take(")");
}

bool ReadOptions(Reader* in, std::string* options) {
  if (!in->Take("freeze")) return false;
  *options = ", FREEZE ";
  std::string value;
  if (!in->Take(")")) {
    if (!in->Name(&value) || !in->Take(")")) return false;
    *options += value;
  }
  return true;
}

ErrorRef Bad(const char* why) noexcept {
  return MakeError(Status::kInvalid, Phase::kOptions, why, kUnsent);
}

}  // namespace

ErrorRef ReadCopyStatement(std::string_view sql, CopyStatement* copy) {
  constexpr char kShape[] =
      "rows are copied by COPY table [(columns)] FROM STDIN, with (FREEZE) and WHERE if you like; "
      "in which format is not for the statement to say";
  Reader in(sql);
  std::string table, columns, options;
  if (!in.Take("copy") || !in.Name(&table)) return Bad(kShape);
  while (in.Take(".")) {
    table += '.';
    if (!in.Name(&table)) return Bad(kShape);
  }
  if (in.Take("(") && !ReadColumns(&in, &columns)) return Bad(kShape);
  if (!in.Take("from") || !in.Take("stdin")) return Bad(kShape);
  const bool with = in.Take("with");
  if (in.Take("(")) {
    if (!ReadOptions(&in, &options)) return Bad(kShape);
  } else if (with) {
    return Bad(kShape);
  }
  const std::string_view rest = in.rest();
  if (!rest.empty() && rest[0] != ';' && !in.Take("where")) return Bad(kShape);
  copy->describe = "SELECT " + (columns.empty() ? "*" : columns) + " FROM " + table;
  if (!columns.empty()) table += " (" + columns + ")";
  const auto in_format = [&](std::string_view format) {
    std::string made = "COPY " + table + " FROM STDIN WITH (FORMAT ";
    return made.append(format).append(options).append(") ").append(rest);
  };
  copy->binary = in_format("binary");
  copy->text = in_format("text");
  return nullptr;
}

}  // namespace creche::pg
