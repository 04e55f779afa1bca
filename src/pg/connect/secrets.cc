#include "pg/connect/secrets.h"

#include <algorithm>
#include <cstddef>

#include "pg/connect/dsn_slip.h"

namespace creche::pg {

namespace {

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsOfWord(char c) {
  return IsLetter(c) || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

Secrets::Secrets(const char* dsn) : slip_(dsn ? DsnSlip(dsn) : nullptr) {}

void Secrets::Add(std::string_view secret) {
  if (secret.size() >= kLeast) secrets_.emplace_back(secret);
}

void Secrets::Show(std::string_view open) {
  std::erase(secrets_, open);
}

std::string Secrets::Hide(std::string_view text) const {
  std::string shown(text);
  for (const std::string& secret : secrets_) {
    const bool word = std::all_of(secret.begin(), secret.end(), IsLetter);
    for (size_t at = 0; (at = shown.find(secret, at)) != shown.npos;) {
      const size_t end = at + secret.size();
      const bool whole = (at == 0 || !IsOfWord(shown[at - 1]) || !IsOfWord(secret.front())) &&
                         (end == shown.size() || !IsOfWord(shown[end]) || !IsOfWord(secret.back()));
      const auto quotes =
          std::count(shown.begin(), shown.begin() + static_cast<ptrdiff_t>(at), '"');
      if (!whole || (word && quotes % 2 == 0)) {
        at = end;
        continue;
      }
      shown.replace(at, secret.size(), "***");
      at += 3;
    }
  }
  return shown;
}

std::string Secrets::Say(std::string_view text, std::string_view instead) const {
  if (!slip_) return Hide(text);
  return std::string(instead) +
         "; the DSN is not quoted, since it may have a slip of the pen: " + slip_;
}

}  // namespace creche::pg
