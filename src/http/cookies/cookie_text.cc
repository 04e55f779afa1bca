#include "http/cookies/cookie_text.h"

#include <charconv>

#include "http/cookies/cookie_json.h"
#include "http/cookies/set_cookie.h"

namespace creche::http {

namespace {

constexpr int64_t kLatest = 9'000'000'000'000'000;  // what JSON can say, too
constexpr std::string_view kHttpOnly = "#HttpOnly_";

// A tab would be read as the next field: none of these has one but by hand.
bool FitsLine(const Cookie& c) {
  for (const std::string* part : {&c.name, &c.value, &c.path, &c.domain})
    if (part->find_first_of("\t\r\n") != std::string::npos) return false;
  return true;
}

std::string WriteNetscape(const std::vector<Cookie>& cookies) {
  std::string text = "# Netscape HTTP Cookie File\n\n";
  for (const Cookie& c : cookies) {
    if (!FitsLine(c)) continue;
    if (c.http_only) text.append(kHttpOnly);
    if (!c.host_only) text += '.';
    text.append(c.domain).append(c.host_only ? "\tFALSE\t" : "\tTRUE\t").append(c.path);
    text.append(c.secure ? "\tTRUE\t" : "\tFALSE\t");
    text.append(std::to_string(c.expires == Cookie::kSession ? 0 : c.expires));
    text.append("\t").append(c.name).append("\t").append(c.value).append("\n");
  }
  return text;
}

// The fields of a line, which are separated by single TABs.
bool ReadLine(std::string_view line, Cookie* c) {
  if (line.substr(0, kHttpOnly.size()) == kHttpOnly) {
    c->http_only = true;
    line.remove_prefix(kHttpOnly.size());
  }
  std::string_view fields[7];
  for (size_t i = 0; i < 7; i++) {
    // The last one, the value, may be missing, or be empty.
    const size_t tab = i < 6 ? line.find('\t') : std::string_view::npos;
    if (tab == std::string_view::npos && i < 5) return false;
    fields[i] = line.substr(0, tab);
    line = tab == std::string_view::npos ? std::string_view() : line.substr(tab + 1);
  }
  c->domain = fields[0];
  c->host_only = fields[1] != "TRUE";
  while (!c->domain.empty() && c->domain[0] == '.') c->domain.erase(0, 1);
  for (char& letter : c->domain)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + 32);
  c->path = fields[2];
  c->secure = fields[3] == "TRUE";
  const char* const end = fields[4].data() + fields[4].size();
  const auto [p, e] = std::from_chars(fields[4].data(), end, c->expires);
  if (e != std::errc() || p != end) return false;
  if (c->expires == 0 || c->expires > kLatest) c->expires = Cookie::kSession;
  if (c->expires < 0) c->expires = 1;  // long ago
  c->name = fields[5];
  c->value = fields[6];
  return !c->domain.empty() && !c->path.empty() && c->path[0] == '/';
}

}  // namespace

std::string WriteCookies(const std::vector<Cookie>& cookies, CookieForm form) {
  return form == CookieForm::kJson ? WriteCookieJson(cookies) : WriteNetscape(cookies);
}

std::optional<std::vector<Cookie>> ReadCookies(std::string_view text, CookieForm form,
                                               size_t* line_number) {
  *line_number = 0;
  if (form == CookieForm::kJson) return ReadCookieJson(text);
  std::vector<Cookie> all;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++*line_number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    if (line[0] == '#' && line.substr(0, kHttpOnly.size()) != kHttpOnly) continue;
    Cookie cookie;
    if (!ReadLine(line, &cookie)) return std::nullopt;
    if (IsSoundCookie(cookie)) all.push_back(std::move(cookie));
  }
  return all;
}

}  // namespace creche::http
