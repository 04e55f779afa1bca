#include "http/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "http/credentials.h"
#include "http/idn.h"
#include "http/scan.h"
#include "http/url_join.h"

namespace creche::http {

namespace {

// Longer than any server takes; keeps the places in 32 bits and errors readable.
constexpr size_t kMaxUrl = 1 << 20;

ErrorRef Bad(std::string message) {
  return MakeError(Status::kUrl, Phase::kOptions, std::move(message));
}

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char l = Lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool IsEscape(std::string_view s, size_t at) {
  return at + 2 < s.size() && HexValue(s[at + 1]) >= 0 && HexValue(s[at + 2]) >= 0;
}

bool EqualsNoCase(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (size_t i = 0; i < a.size(); i++)
    if (Lower(a[i]) != lower[i]) return false;
  return true;
}

// What may stand in a path or query as it is. Square brackets may not by the letter of RFC 3986,
// but every server takes them and programs sign URLs with them.
constexpr std::array<bool, 256> MakePlain() {
  std::array<bool, 256> plain{};
  for (int c = 0x21; c < 0x7f; c++) plain[c] = true;
  for (const char c : {'"', '<', '>', '\\', '^', '`', '{', '|', '}', '%', '#'})
    plain[static_cast<unsigned char>(c)] = false;
  return plain;
}
constexpr std::array<bool, 256> kPlain = MakePlain();

// True for what the C library's old parsers take as an IPv4 address: a last label that is a number.
// Such a host is either a plain dotted quad or refused ("127.1" and "0x7f000001" are ways around
// checks on host names).
bool EndsInNumber(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  const size_t dot = host.rfind('.');
  const std::string_view label = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (label.empty()) return false;
  if (label.size() >= 2 && label[0] == '0' && Lower(label[1]) == 'x') {
    for (const char c : label.substr(2))
      if (HexValue(c) < 0) return false;
    return true;
  }
  for (const char c : label)
    if (!IsDigit(c)) return false;
  return true;
}

}  // namespace

Result<Url> Url::Parse(std::string_view text) {
  if (text.empty()) return Bad("the URL is empty: give one like https://host/path");
  if (text.size() > kMaxUrl) return Bad("the URL is longer than 1 MiB");
  if (HasControl(text)) return Bad("the URL holds a control character: percent-encode it");
  const std::string_view scheme = UrlScheme(text);
  if (scheme.empty()) return Bad("the URL has no scheme: begin it with http:// or https://");
  Parts url;
  const std::string_view rest = text.substr(scheme.size() + 1);
  if (EqualsNoCase(scheme, "https")) {
    url.https = true;
  } else if (!EqualsNoCase(scheme, "http")) {
    // Without slashes it may be the name, or the key, of "user:password@host".
    if (rest.substr(0, 2) != "//") return Bad("the URL does not begin with http:// or https://");
    return Bad("scheme \"" + std::string(scheme.substr(0, 32)) +
               "\" cannot be fetched: use http or https");
  }
  text = rest;
  if (text.substr(0, 2) != "//") return Bad("the URL has no host: write it as scheme://host/path");
  text.remove_prefix(2);
  text = text.substr(0, text.find('#'));
  size_t end = 0;
  while (end < text.size() && text[end] != '/' && text[end] != '?') end++;
  url.text.reserve(text.size() + 10);
  url.text = url.https ? "https://" : "http://";
  if (auto r = url.ReadAuthority(text.substr(0, end)); !r.ok()) return r.error();
  url.ReadTarget(text.substr(end));
  return Url(std::move(url));
}

Result<void> Url::Parts::ReadAuthority(std::string_view authority) {
  // Browsers take it for a slash: what they fetch would be another host.
  if (authority.find('\\') != std::string_view::npos)
    return Bad("a backslash stands before the path of the URL: percent-encode it, or use /");
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (at > 0) authorization = Credentials::OfUserInfo(authority.substr(0, at)).Basic();
    authority.remove_prefix(at + 1);
  }
  std::string_view host = authority;
  std::string_view given;  // ":8080"
  if (!authority.empty() && authority[0] == '[') {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return Bad("the IPv6 address in the URL lacks its ]");
    host = authority.substr(0, close + 1);
    given = authority.substr(close + 1);
    if (!given.empty() && given[0] != ':') return Bad("only a port may follow the ] in the URL");
  } else if (const size_t colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    given = authority.substr(colon);
  }
  authority_at = static_cast<uint32_t>(text.size());
  if (auto r = ReadHost(host); !r.ok()) return r;

  const uint16_t default_port = https ? 443 : 80;
  port = default_port;
  if (given.size() > 1) {  // a ':' alone means the default
    const char* const end = given.data() + given.size();
    const auto [p, e] = std::from_chars(given.data() + 1, end, port);
    // Not shown: behind a '/' in a password, this is a part of it.
    if (e != std::errc() || p != end || port == 0)
      return Bad(
          "what follows the ':' behind the host of the URL is no port: use 1 to 65535 (and "
          "percent-encode a / ? or # in a password)");
    if (port != default_port) {
      char written[6] = ":";
      text.append(written, std::to_chars(written + 1, std::end(written), port).ptr);
    }
  }
  target_at = static_cast<uint32_t>(text.size());
  return {};
}

// Appends an IPv6 address in brackets to text.
Result<void> Url::Parts::ReadAddress(std::string_view address) {
  const size_t percent = std::min(address.find('%'), address.size());
  const std::string_view bare = address.substr(0, percent);
  std::string_view zone = address.substr(percent);
  in6_addr parsed;
  if (inet_pton(AF_INET6, std::string(bare).c_str(), &parsed) != 1)
    return Bad("what stands in [ ] in the URL is no IPv6 address");
  text += '[';
  host_at = static_cast<uint32_t>(text.size());
  host_size = static_cast<uint32_t>(bare.size());
  for (const char c : bare) text += Lower(c);
  if (!zone.empty()) {
    zone.remove_prefix(zone.substr(0, 3) == "%25" ? 3 : 1);
    const bool good = !zone.empty() && std::all_of(zone.begin(), zone.end(), [](char c) {
      return IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == '_' || c == '~';
    });
    if (!good)
      return Bad(
          "the zone of the IPv6 address in the URL is no name of an interface: write it "
          "like [fe80::1%25eth0]");
    zone_size = static_cast<uint32_t>(zone.size() + 3);
    text.append("%25").append(zone);
  }
  text += ']';
  return {};
}

// What it is in ASCII has to be a host, too: it may be a number, or hold a slash.
Result<void> Url::Parts::ReadForeignHost(std::string_view host) {
  const Result<std::string> ascii = HostInAscii(host);
  return ascii.ok() ? ReadHost(ascii.value()) : ascii.error();
}

// Appends the host, in brackets for IPv6, to text.
Result<void> Url::Parts::ReadHost(std::string_view host) {
  if (host.empty()) return Bad("the URL has no host: write it as scheme://host/path");
  if (host[0] == '[') return ReadAddress(host.substr(1, host.size() - 2));
  size_t label = 0;
  for (size_t i = 0; i < host.size(); i++) {
    const char c = host[i];
    if (static_cast<unsigned char>(c) >= 0x80) return ReadForeignHost(host);
    if (c == '.') {
      if (label == 0) return Bad("the host of the URL has an empty label");
      label = 0;
    } else if (IsAlpha(c) || IsDigit(c) || c == '-' || c == '_') {
      if (++label > 63) return Bad("a label of the URL's host is longer than 63 characters");
    } else {
      return Bad(std::string("'") + c + "' may not stand in the host of a URL");
    }
  }
  if (host.size() > 254) return Bad("the host of the URL is longer than 253 characters");
  if (EndsInNumber(host)) {
    in_addr parsed;
    if (inet_pton(AF_INET, std::string(host).c_str(), &parsed) != 1)
      return Bad("the host of the URL is a number but no IPv4 address: write four, like 192.0.2.1");
  }
  host_at = static_cast<uint32_t>(text.size());
  host_size = static_cast<uint32_t>(host.size());
  text.append(host);
  for (size_t i = host_at; i < text.size(); i++) text[i] = Lower(text[i]);
  return {};
}

// Appends path and query to text.
void Url::Parts::ReadTarget(std::string_view target) {
  if (target.empty() || target[0] == '?') text += '/';
  static constexpr char kHex[] = "0123456789ABCDEF";
  size_t done = 0;
  for (size_t i = 0; i < target.size(); i++) {
    const auto c = static_cast<unsigned char>(target[i]);
    if (kPlain[c] || (c == '%' && IsEscape(target, i))) continue;
    const char escaped[] = {'%', kHex[c >> 4], kHex[c & 15]};
    text.append(target.substr(done, i - done)).append(escaped, sizeof escaped);
    done = i + 1;
  }
  text.append(target.substr(done));
}

void Url::InheritCredentials(const Url& other) {
  if (!authorization().empty() || other.authorization().empty()) return;
  Parts both = parts();
  both.authorization = other.authorization();
  *this = Url(std::move(both));
}

std::string Url::dial_host() const {
  const Parts& p = parts();
  std::string host(this->host());
  if (p.zone_size > 0) host.append("%").append(View(p.host_at + p.host_size + 3, p.zone_size - 3));
  return host;
}

void Url::AppendHost(std::string* out) const {
  const Parts& p = parts();
  if (p.zone_size == 0) {
    out->append(authority());
    return;
  }
  const size_t zone = p.host_at + p.host_size;
  out->append(View(p.authority_at, zone - p.authority_at));
  out->append(View(zone + p.zone_size, p.target_at - zone - p.zone_size));
}

std::string_view Url::shown() const {
  return ShownUrl(text());
}

std::string_view ShownUrl(std::string_view url) noexcept {
  return url.substr(0, url.find('?'));
}

void LastUrl::Keep(Url url) noexcept {
  const Url::Shared* const before = kept_.exchange(url.shared_.Leak(), std::memory_order_acq_rel);
  if (before) before->Unref();
}

Result<Url> LastUrl::Parse(std::string_view text) {
  Url kept;
  kept.shared_ = Ref<const Url::Shared>::Adopt(kept_.exchange(nullptr, std::memory_order_acq_rel));
  if (!kept.shared_ || kept.text() != text) {
    Result<Url> read = Url::Parse(text);
    if (!read.ok() || read.value().text() != text) {
      Keep(std::move(kept));
      return read;
    }
    kept = std::move(read).value();
  }
  Keep(kept);
  return kept;
}

Result<Url> Url::Resolve(std::string_view given) const {
  std::string without;
  std::string_view reference = given.substr(0, given.find('#'));
  if (reference.find('\t') != reference.npos) {
    std::remove_copy(reference.begin(), reference.end(), std::back_inserter(without), '\t');
    reference = without;
  }
  return Parse(JoinUrl(text(), reference));
}

}  // namespace creche::http
