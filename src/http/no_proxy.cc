#include "http/no_proxy.h"

#include <charconv>
#include <cstring>

#include "http/idn.h"

namespace creche::http {

namespace {

using platform::Address;

bool ReadNumber(std::string_view text, unsigned most, unsigned* number) {
  const char* end = text.data() + text.size();
  const auto [p, e] = std::from_chars(text.data(), end, *number);
  return e == std::errc() && p == end && *number <= most;
}

// The bytes of an IP address. IPv4 in IPv6 (::ffff:192.0.2.1) is IPv4.
std::string_view BytesOf(const Address& address) {
  if (address.family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address.get());
    return {reinterpret_cast<const char*>(&in->sin_addr), 4};
  }
  if (address.family() != AF_INET6) return {};
  const auto* in = reinterpret_cast<const sockaddr_in6*>(address.get());
  const char* bytes = reinterpret_cast<const char*>(&in->sin6_addr);
  return IN6_IS_ADDR_V4MAPPED(&in->sin6_addr) ? std::string_view(bytes + 12, 4)
                                              : std::string_view(bytes, 16);
}

bool InNet(std::string_view address, std::string_view net, unsigned bits) {
  if (address.size() != net.size() || address.empty()) return false;
  const size_t whole = bits / 8;
  if (std::memcmp(address.data(), net.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto high = [&](char c) { return static_cast<unsigned char>(c) >> (8 - rest); };
  return high(address[whole]) == high(net[whole]);
}

}  // namespace

NoProxy::NoProxy(std::string_view list) {
  while (!list.empty()) {
    const size_t end = std::min(list.find_first_of(", \t\r\n;"), list.size());
    if (end > 0) Add(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

void NoProxy::Add(std::string_view text) {
  if (text == "*") {
    all_ = true;
    return;
  }
  Entry entry;
  unsigned bits = 1000;
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (!ReadNumber(text.substr(slash + 1), 128, &bits)) return;
    text = text.substr(0, slash);
  }
  unsigned port = 0;
  std::string_view host = text;
  if (!text.empty() && text[0] == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return;
    host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (!text.empty() && (text[0] != ':' || !ReadNumber(text.substr(1), 65535, &port))) return;
  } else if (const size_t colon = text.find(':');
             colon != std::string_view::npos && text.rfind(':') == colon) {
    if (!ReadNumber(text.substr(colon + 1), 65535, &port)) return;
    host = text.substr(0, colon);
  }
  entry.port = static_cast<uint16_t>(port);
  if (const auto literal = Address::Literal(host)) {
    const auto most = static_cast<unsigned>(BytesOf(*literal).size() * 8);
    if (bits != 1000 && bits > most) return;
    entry.net = *literal;
    entry.bits = bits == 1000 ? most : bits;
  } else {
    if (bits != 1000) return;
    if (host.substr(0, 2) == "*.") host.remove_prefix(1);
    while (!host.empty() && host.front() == '.') host.remove_prefix(1);
    while (!host.empty() && host.back() == '.') host.remove_suffix(1);
    if (host.empty()) return;
    entry.name = HostPattern(host);
  }
  entries_.push_back(std::move(entry));
}

bool NoProxy::Matches(std::string_view host, uint16_t port) const {
  if (all_) return true;
  if (entries_.empty()) return false;
  const auto literal = Address::Literal(host);
  if (!literal && !host.empty() && host.back() == '.') host.remove_suffix(1);
  for (const Entry& entry : entries_) {
    if (entry.port != 0 && entry.port != port) continue;
    if (literal) {
      if (entry.name.empty() && InNet(BytesOf(*literal), BytesOf(entry.net), entry.bits))
        return true;
      continue;
    }
    const std::string& name = entry.name;
    if (name.empty() || host.size() < name.size()) continue;
    if (host.substr(host.size() - name.size()) != name) continue;
    if (host.size() == name.size() || host[host.size() - name.size() - 1] == '.') return true;
  }
  return false;
}

}  // namespace creche::http
