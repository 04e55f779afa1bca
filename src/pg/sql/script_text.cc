#include "pg/sql/script_text.h"

#include "pg/sql/scan.h"

namespace creche::pg {

namespace {

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
      } else if (c == '-' || c == '/') {
        const size_t past = PastComment(sql_, at_);
        at_ = past == at_ ? at_ + 1 : past;
      } else if (IsWordByte(c)) {
        const size_t begin = at_;
        while (at_ < sql_.size() && (IsWordByte(sql_[at_]) || sql_[at_] == '$')) at_++;
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
  // $tag$ ... $tag$, or a parameter.
  void SkipDollar() noexcept {
    size_t end = at_ + 1;
    while (end < sql_.size() && IsWordByte(sql_[end])) end++;
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

// Whether a statement that begins with `first` ends a transaction; reads on in it.
bool Ends(std::string_view first, Words* words, std::string_view* last) {
  if (SameWord(first, "commit") || SameWord(first, "end")) return true;
  if (SameWord(first, "prepare")) return SameWord(*last = words->Next(), "transaction");
  if (!SameWord(first, "rollback") && !SameWord(first, "abort")) return false;
  *last = words->Next();
  if (SameWord(*last, "work") || SameWord(*last, "transaction")) *last = words->Next();
  return !SameWord(*last, "to");
}

}  // namespace

bool EndsTransaction(std::string_view statement) noexcept {
  Words words(statement);
  std::string_view word = words.Next();
  while (word == ";") word = words.Next();
  return Ends(word, &words, &word);
}

bool HasMore(std::string_view sql) noexcept {
  Words words(sql);
  bool begun = false, ended = false;
  for (std::string_view word = words.Next(); !word.empty(); word = words.Next()) {
    if (word != ";" && ended) return true;
    begun = begun || word != ";";
    ended = begun && word == ";";
  }
  return false;
}

ScriptFacts LookAtScript(std::string_view script) noexcept {
  ScriptFacts facts;
  Words words(script);
  bool first = true, begun = false, atomic = false, copy = false;
  for (std::string_view word = words.Next(); !word.empty();) {
    facts.copies |= copy && (SameWord(word, "stdin") || SameWord(word, "stdout"));
    if (first) copy = SameWord(word, "copy");
    if (first && atomic && SameWord(word, "end"))
      atomic = false;  // of a function's body: BEGIN ATOMIC ...; END
    else if (first && word != ";")
      facts.ends_transaction |= Ends(word, &words, &word);
    atomic |= begun && SameWord(word, "atomic");
    begun = SameWord(word, "begin");
    first = word == ";";
    if (!word.empty()) word = words.Next();
  }
  return facts;
}

}  // namespace creche::pg
