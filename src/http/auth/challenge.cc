#include "http/auth/challenge.h"

#include "http/headers.h"
#include "http/scan.h"

namespace creche::http {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool at_end() const { return text_.empty(); }
  bool Take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void SkipBlanks() {
    while (Take(' ') || Take('\t')) continue;
  }
  void SkipCommas() {
    do SkipBlanks();
    while (Take(','));
  }
  std::string Token(bool small) {
    std::string token;
    while (!text_.empty() && IsTokenChar(text_[0])) {
      const char c = text_[0];
      token += small && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      text_.remove_prefix(1);
    }
    return token;
  }
  bool Quoted(std::string* into) {
    if (!Take('"')) return false;
    while (!text_.empty() && text_[0] != '"') {
      if (text_[0] == '\\' && text_.size() > 1) text_.remove_prefix(1);
      *into += text_[0];
      text_.remove_prefix(1);
    }
    return Take('"');
  }
  std::string_view text() const { return text_; }
  void Rest(std::string_view text) { text_ = text; }

 private:
  std::string_view text_;
};

// "name=value" or "name="quoted""; false, with nothing taken, if it is something else.
bool TakeParam(Reader* reader, Challenge* challenge) {
  const std::string_view before = reader->text();
  std::string name = reader->Token(true), value;
  reader->SkipBlanks();
  if (!name.empty() && reader->Take('=')) {
    reader->SkipBlanks();
    const bool quoted = !reader->at_end() && reader->text()[0] == '"';
    if (quoted ? reader->Quoted(&value) : !(value = reader->Token(false)).empty()) {
      challenge->params.emplace_back(std::move(name), std::move(value));
      return true;
    }
  }
  reader->Rest(before);
  return false;
}

}  // namespace

void ReadChallenges(std::string_view field, std::vector<Challenge>* all) {
  Reader reader(field);
  for (reader.SkipCommas(); !reader.at_end(); reader.SkipCommas()) {
    Challenge challenge;
    challenge.scheme = reader.Token(true);
    if (challenge.scheme.empty()) return;
    reader.SkipBlanks();
    while (TakeParam(&reader, &challenge)) {
      reader.SkipBlanks();
      const std::string_view before = reader.text();
      if (!reader.Take(',')) break;
      reader.SkipCommas();
      Challenge probe;
      // What follows is another parameter, or a challenge.
      const std::string_view next = reader.text();
      if (!TakeParam(&reader, &probe)) {
        reader.Rest(before);
        break;
      }
      reader.Rest(next);
    }
    // A token68 ("Negotiate abc="): nothing here can answer it.
    while (!reader.at_end() && reader.text()[0] != ',') reader.Rest(reader.text().substr(1));
    all->push_back(std::move(challenge));
  }
}

}  // namespace creche::http
