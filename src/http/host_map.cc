#include "http/host_map.h"

#include <charconv>

#include "core/host_name.h"
#include "http/idn.h"

namespace creche::http {

namespace {

using platform::Address;

ErrorRef Invalid(std::string message) {
  return MakeError(Status::kInvalid, Phase::kOptions, std::move(message));
}

// "host", "host:80", "[::1]", "[::1]:80" or "::1"; port 0: none was given. False if it is none.
bool Split(std::string_view text, std::string_view* host, uint16_t* port) {
  std::string_view rest;
  *port = 0;
  *host = text;
  if (!text.empty() && text[0] == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    *host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else if (const size_t colon = text.find(':');
             colon != std::string_view::npos && text.rfind(':') == colon) {
    *host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  if (host->empty()) return false;
  if (rest.empty()) return true;
  const char* const end = rest.data() + rest.size();
  const auto [p, e] = std::from_chars(rest.data() + 1, end, *port);
  return rest[0] == ':' && e == std::errc() && p == end && *port != 0;
}

}  // namespace

Result<void> HostMap::Add(std::string_view from, std::string_view to) {
  Entry entry;
  std::string_view host;
  if (!Split(from, &host, &entry.port))
    return Invalid("a mapped host is written as \"host\", \"host:port\", \"*\" or \"*:port\"");
  entry.host = HostPattern(host);
  size_t at = 0;
  while (at <= to.size()) {
    const size_t comma = std::min(to.find(',', at), to.size());
    const std::string_view one = to.substr(at, comma - at);
    at = comma + 1;
    std::optional<Address> address;
    uint16_t port = 0;
    if (one.substr(0, 5) == "unix:") {
      address = Address::Unix(one.substr(5));
      if (!address) return Invalid("a Unix path is empty or longer than 107 bytes");
    } else if (Split(one, &host, &port)) {
      address = Address::Literal(host);
      if (address) address->set_port(port);
    } else {
      return Invalid("a host is mapped to an address, addresses separated by commas, or a name");
    }
    if (address) {
      entry.addresses.push_back(*address);
      continue;
    }
    entry.name = HostPattern(host);
    if (!WhatIsWrongWithHostName(entry.name).empty() || comma != to.size() ||
        !entry.addresses.empty())
      return Invalid("a host is mapped to an address, addresses separated by commas, or one name");
    entry.name_port = port;
  }
  entries_.push_back(std::move(entry));
  return {};
}

const HostMap::Entry* HostMap::Find(std::string_view host, uint16_t port) const {
  for (const Entry& entry : entries_)
    if ((entry.port == 0 || entry.port == port) && (entry.host == "*" || entry.host == host))
      return &entry;
  return nullptr;
}

}  // namespace creche::http
