#include "pg/sql/script_text.h"

namespace creche::pg {

namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool IsWord(char c) {
  const char lower = Lower(c);
  return static_cast<unsigned char>(c) >= 0x80 || c == '_' || IsDigit(c) ||
         (lower >= 'a' && lower <= 'z');
}

// Words and semicolons, one after the other.
class Words {
 public:
  explicit Words(std::string_view sql) : sql_(sql) {}
  // "" at the end; ";" for one.
  std::string_view Next() noexcept {
    while (at_ < sql_.size()) {
      const char c = sql_[at_];
      if (c == ';') return sql_.substr(at_++, 1);
      if (c == '\'' || c == '"') {
        SkipQuoted(c, false);
      } else if (c == '$') {
        SkipDollar();
      } else if (sql_.substr(at_, 2) == "--") {
        const size_t end = sql_.find('\n', at_);
        at_ = end == sql_.npos ? sql_.size() : end;
      } else if (sql_.substr(at_, 2) == "/*") {
        SkipComment();
      } else if (IsWord(c)) {
        const size_t begin = at_;
        while (at_ < sql_.size() && (IsWord(sql_[at_]) || sql_[at_] == '$')) at_++;
        const std::string_view word = sql_.substr(begin, at_ - begin);
        const bool escapes = word == "e" || word == "E";
        if (escapes && at_ < sql_.size() && sql_[at_] == '\'') SkipQuoted('\'', true);
        return word;
      } else {
        at_++;
      }
    }
    return {};
  }

 private:
  void SkipQuoted(char quote, bool escapes) noexcept {
    for (at_++; at_ < sql_.size() && sql_[at_] != quote; at_++)
      if (escapes && sql_[at_] == '\\') at_++;
    at_++;
  }
  void SkipComment() noexcept {
    size_t depth = 0;
    do {
      const std::string_view two = sql_.substr(at_, 2);
      if (two == "/*") depth++;
      if (two == "*/") depth--;
      at_ += two == "/*" || two == "*/" ? 2 : 1;
    } while (depth > 0 && at_ < sql_.size());
  }
  // $tag$ ... $tag$, or a parameter.
  void SkipDollar() noexcept {
    size_t end = at_ + 1;
    while (end < sql_.size() && IsWord(sql_[end])) end++;
    const bool tag =
        end < sql_.size() && sql_[end] == '$' && (end == at_ + 1 || !IsDigit(sql_[at_ + 1]));
    if (!tag) {
      at_ = end;
      return;
    }
    const std::string_view mark = sql_.substr(at_, end + 1 - at_);
    const size_t close = sql_.find(mark, end + 1);
    at_ = close == sql_.npos ? sql_.size() : close + mark.size();
  }

  const std::string_view sql_;
  size_t at_ = 0;
};

bool Same(std::string_view word, std::string_view lower) {
  if (word.size() != lower.size()) return false;
  for (size_t i = 0; i < word.size(); i++)
    if (Lower(word[i]) != lower[i]) return false;
  return true;
}

// Whether a statement that begins with `first` ends a transaction; reads on in it.
bool Ends(std::string_view first, Words* words, std::string_view* last) {
  if (Same(first, "commit") || Same(first, "end")) return true;
  if (Same(first, "prepare")) return Same(*last = words->Next(), "transaction");
  if (!Same(first, "rollback") && !Same(first, "abort")) return false;
  *last = words->Next();
  if (Same(*last, "work") || Same(*last, "transaction")) *last = words->Next();
  return !Same(*last, "to");
}

}  // namespace

bool EndsTransaction(std::string_view statement) noexcept {
  Words words(statement);
  std::string_view word = words.Next();
  while (word == ";") word = words.Next();
  return Ends(word, &words, &word);
}

bool ScriptEndsTransaction(std::string_view script) noexcept {
  Words words(script);
  bool first = true, begun = false, atomic = false;
  for (std::string_view word = words.Next(); !word.empty();) {
    if (first && atomic && Same(word, "end"))
      atomic = false;  // of a function's body: BEGIN ATOMIC ...; END
    else if (first && word != ";" && Ends(word, &words, &word))
      return true;
    atomic |= begun && Same(word, "atomic");
    begun = Same(word, "begin");
    first = word == ";";
    if (!word.empty()) word = words.Next();
  }
  return false;
}

bool ScriptCopies(std::string_view script) noexcept {
  Words words(script);
  bool first = true, copy = false;
  for (std::string_view word = words.Next(); !word.empty(); word = words.Next()) {
    if (copy && (Same(word, "stdin") || Same(word, "stdout"))) return true;
    if (first) copy = Same(word, "copy");
    first = word == ";";
  }
  return false;
}

}  // namespace creche::pg
