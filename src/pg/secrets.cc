#include "pg/secrets.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace creche::pg {

namespace {

// What libpq and servers say around the values that they quote.
constexpr std::string_view kWords[] = {
    "FATAL",    "ERROR",       "HINT",        "DETAIL",     "password",   "authentication",
    "failed",   "failure",     "user",        "role",       "database",   "does",
    "exist",    "connection",  "connections", "connect",    "server",     "socket",
    "host",     "port",        "running",     "that",       "this",       "accepting",
    "refused",  "timeout",     "expired",     "timed",      "closed",     "unexpectedly",
    "means",    "probably",    "terminated",  "abnormally", "before",     "while",
    "request",  "processing",  "entry",       "encryption", "many",       "clients",
    "already",  "remaining",   "slots",       "reserved",   "superuser",  "roles",
    "support",  "required",    "with",        "name",       "address",    "translate",
    "known",    "certificate", "verify",      "match",      "error",      "invalid",
    "value",    "parameter",   "option",      "number",     "could",      "from",
    "file",     "Connection",  "directory",   "such",       "supplied",   "requires",
    "session",  "read",        "only",        "standby",    "recovery",   "system",
    "starting", "shutting",    "down",        "mode",       "permission", "denied",
    "login",    "permitted",   "received",    "reset",      "peer",       "route",
    "Network",  "unreachable", "local",       "locally",    "there",      "LOCATION"};

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

uint32_t Piece(const char* bytes) {
  uint32_t piece;
  std::memcpy(&piece, bytes, sizeof piece);
  return piece;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); i++) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
                       HexDigit(text[i + 2]) >= 0;
    decoded +=
        coded ? static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return decoded;
}

bool IsPort(std::string_view text) {
  unsigned port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  return read.ec == std::errc{} && read.ptr == text.data() + text.size() && port <= 65535;
}

}  // namespace

Secrets::Secrets(const char* dsn) {
  if (!dsn) return;
  const std::string_view text(dsn);
  const size_t scheme = text.find("://");
  const bool uri = scheme != text.npos;
  if (uri) AddUri(text.substr(scheme + 3));
  AddNamed(text, uri);
}

// "user:password@host:port/name?..." as it was meant: a password may hold what should have been
// percent-encoded, so it goes up to the last @.
void Secrets::AddUri(std::string_view rest) {
  const size_t at = rest.rfind('@');
  if (at != rest.npos) {
    const std::string_view info = rest.substr(0, at);
    const size_t colon = info.find(':');
    return Add(colon == info.npos ? info : info.substr(colon + 1));
  }
  // No @, or one that was left out: then there is a password where a port should be.
  std::string_view hosts = rest.substr(0, rest.find_first_of("/?"));
  for (size_t start = 0; start <= hosts.size();) {
    const size_t end = std::min(hosts.find(',', start), hosts.size());
    const std::string_view host = hosts.substr(start, end - start);
    const size_t bracket = host.substr(0, 1) == "[" ? host.find(']') : 0;
    const size_t colon = bracket == host.npos ? 0 : host.find(':', bracket);
    if (colon != host.npos && !IsPort(host.substr(colon + 1)))
      return Add(rest.substr(start + colon + 1));
    start = end + 1;
  }
}

// password=..., sslpassword=..., also where it has grown together with what stands before.
void Secrets::AddNamed(std::string_view dsn, bool uri) {
  static constexpr std::string_view kName = "password";
  std::string lower(dsn);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (size_t at = lower.find(kName); at != lower.npos; at = lower.find(kName, at + 1)) {
    std::string_view value = dsn.substr(at + kName.size());
    const size_t start = value.find_first_not_of(" =");
    if (start == value.npos) continue;
    value = value.substr(start);
    Add(uri                ? value.substr(0, value.find('&'))
        : value[0] == '\'' ? value.substr(1, value.find('\'', 1) - 1)
                           : value.substr(0, value.find_first_of(" \t\n")));
  }
}

void Secrets::Add(std::string_view secret) {
  for (const std::string& form : {std::string(secret), PercentDecoded(secret)})
    for (size_t i = 0; i + kPiece <= form.size(); i++) pieces_.push_back(Piece(form.data() + i));
  std::sort(pieces_.begin(), pieces_.end());
  pieces_.erase(std::unique(pieces_.begin(), pieces_.end()), pieces_.end());
}

bool Secrets::Has(const char* piece) const noexcept {
  return std::binary_search(pieces_.begin(), pieces_.end(), Piece(piece));
}

std::string Secrets::Hide(std::string_view text) const {
  std::vector<bool> hidden(text.size());
  for (size_t i = 0; i + kPiece <= text.size(); i++)
    if (Has(text.data() + i))
      for (size_t k = 0; k < kPiece; k++) hidden[i + k] = true;
  bool quoted = false;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && IsLetter(text[end])) end++;
    if (end == i) {
      quoted ^= text[i++] == '"';
      continue;
    }
    const std::string_view word = text.substr(i, end - i);
    if (!quoted && std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords))
      std::fill(hidden.begin() + static_cast<ptrdiff_t>(i),
                hidden.begin() + static_cast<ptrdiff_t>(end), false);
    i = end;
  }
  std::string shown;
  for (size_t i = 0; i < text.size(); i++) {
    if (!hidden[i])
      shown += text[i];
    else if (i == 0 || !hidden[i - 1])
      shown += "***";
  }
  return shown;
}

}  // namespace creche::pg
