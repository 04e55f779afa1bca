#include "http/url_join.h"

#include <algorithm>
#include <optional>

#include "http/headers.h"

namespace creche::http {

namespace {

constexpr bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// The five parts of a reference, without the characters between them (RFC 3986, appendix B). One
// that is empty is another thing than one that is not there.
struct UrlParts {
  explicit UrlParts(std::string_view text) : scheme(UrlScheme(text)) {
    if (!scheme.empty()) text.remove_prefix(scheme.size() + 1);
    if (const size_t hash = text.find('#'); hash != text.npos) {
      fragment = text.substr(hash + 1);
      text = text.substr(0, hash);
    }
    if (const size_t mark = text.find('?'); mark != text.npos) {
      query = text.substr(mark + 1);
      text = text.substr(0, mark);
    }
    if (text.substr(0, 2) == "//") {
      text.remove_prefix(2);
      authority = text.substr(0, text.find('/'));
      text.remove_prefix(authority->size());
    }
    path = text;
  }

  std::string_view scheme;
  std::optional<std::string_view> authority;
  std::string_view path;
  std::optional<std::string_view> query;
  std::optional<std::string_view> fragment;
};

// RFC 3986, 5.2.4.
std::string RemoveDotSegments(std::string_view path) {
  while (path.substr(0, 2) == "./" || path.substr(0, 3) == "../")
    path.remove_prefix(path.find('/') + 1);
  if (path == "." || path == "..") return {};
  std::string out;
  out.reserve(path.size());
  size_t at = 0;
  if (!path.empty() && path[0] != '/') {
    at = std::min(path.find('/'), path.size());
    out = path.substr(0, at);
  }
  while (at < path.size()) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, end - at - 1);
    const bool last = end == path.size();
    if (segment == "..") {
      const size_t slash = out.rfind('/');
      out.resize(slash == out.npos ? 0 : slash);
    } else if (segment != ".") {
      out.append(path.substr(at, end - at));
    }
    if (last && (segment == "." || segment == "..")) out += '/';
    at = end;
  }
  return out;
}

// RFC 3986, 5.2.3.
std::string MergedPath(const UrlParts& base, std::string_view path) {
  std::string merged;
  if (base.authority && base.path.empty())
    merged = "/";
  else
    merged = base.path.substr(0, base.path.rfind('/') + 1);
  return merged.append(path);
}

}  // namespace

std::string_view UrlScheme(std::string_view text) noexcept {
  const size_t colon = text.find(':');
  if (colon == text.npos || colon == 0 || !IsAlpha(text[0])) return {};
  for (const char c : text.substr(0, colon))
    if (!IsAlpha(c) && !IsDigit(c) && c != '+' && c != '-' && c != '.') return {};
  return text.substr(0, colon);
}

std::string JoinUrl(std::string_view base_text, std::string_view reference) {
  const UrlParts base(base_text);
  UrlParts to(reference);
  std::string path;
  if (!to.scheme.empty() || to.authority) {
    path = RemoveDotSegments(to.path);
  } else {
    to.authority = base.authority;
    if (to.path.empty()) {
      path = base.path;
      if (!to.query) to.query = base.query;
    } else if (to.path[0] == '/') {
      path = RemoveDotSegments(to.path);
    } else {
      path = RemoveDotSegments(MergedPath(base, to.path));
    }
  }
  std::string joined(to.scheme.empty() ? base.scheme : to.scheme);
  joined += ':';
  if (to.authority)
    joined.append("//").append(*to.authority);
  else if (path.substr(0, 2) == "//")
    joined += "/.";  // else its first segment would be read as a host
  joined += path;
  if (to.query) joined.append("?").append(*to.query);
  if (to.fragment) joined.append("#").append(*to.fragment);
  return joined;
}

std::string HttpOfWs(std::string_view url) {
  const std::string_view scheme = UrlScheme(url);
  if (SameName(scheme, "ws")) return std::string("http").append(url.substr(2));
  if (SameName(scheme, "wss")) return std::string("https").append(url.substr(3));
  return std::string(url);
}

}  // namespace creche::http
