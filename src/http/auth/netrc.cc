#include "http/auth/netrc.h"

#include "http/headers.h"

namespace creche::http {

namespace {

bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The next word; false at the end. Quoted ones may have escapes.
bool NextWord(std::string_view* text, std::string* word) {
  for (;;) {
    while (!text->empty() && IsBlank((*text)[0])) text->remove_prefix(1);
    if (text->empty()) return false;
    if ((*text)[0] != '#') break;
    text->remove_prefix(std::min(text->find('\n'), text->size()));
  }
  word->clear();
  const bool quoted = (*text)[0] == '"';
  if (quoted) text->remove_prefix(1);
  while (!text->empty() && (quoted ? (*text)[0] != '"' : !IsBlank((*text)[0]))) {
    if (quoted && (*text)[0] == '\\' && text->size() > 1) text->remove_prefix(1);
    *word += (*text)[0];
    text->remove_prefix(1);
  }
  if (quoted && !text->empty()) text->remove_prefix(1);
  return true;
}

}  // namespace

bool Netrc::Read(std::string_view text) {
  std::string word;
  while (NextWord(&text, &word)) {
    if (word == "machine" || word == "default") {
      Entry entry;
      if (word == "machine" && (!NextWord(&text, &entry.host) || entry.host.empty()))
        return entries_.clear(), false;
      for (char& c : entry.host)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      entries_.push_back(std::move(entry));
    } else if (word == "macdef") {
      text.remove_prefix(std::min(text.find("\n\n"), text.size()));
    } else {
      std::string value;
      const bool known = word == "login" || word == "password" || word == "account";
      if (!known || entries_.empty() || !NextWord(&text, &value)) return entries_.clear(), false;
      Credentials& c = entries_.back().credentials;
      if (word == "login") {
        c.user = value;
        c.given = true;
      } else if (word == "password") {
        c.password = value;
      }
    }
  }
  return true;
}

const Credentials* Netrc::Find(std::string_view host) const {
  for (const Entry& entry : entries_)
    if (entry.host.empty() || entry.host == host)
      return entry.credentials.given ? &entry.credentials : nullptr;
  return nullptr;
}

}  // namespace creche::http
