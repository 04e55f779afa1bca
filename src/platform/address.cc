#include "platform/address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace creche::platform {

namespace {
constexpr size_t kPathAt = offsetof(sockaddr_un, sun_path);
}

Address Address::From(const sockaddr* from, socklen_t size) noexcept {
  Address a;
  const bool known = (from->sa_family == AF_INET && size == sizeof a.v4_) ||
                     (from->sa_family == AF_INET6 && size == sizeof a.v6_) ||
                     (from->sa_family == AF_UNIX && size >= kPathAt && size <= sizeof a.unix_);
  if (!known) return a;
  std::memcpy(&a.generic_, from, size);
  a.size_ = size;
  return a;
}

std::optional<Address> Address::Literal(std::string_view text) noexcept {
  char host[INET6_ADDRSTRLEN];
  const size_t percent = text.find('%');
  const std::string_view bare = text.substr(0, percent);
  if (bare.size() >= sizeof host || bare.find('\0') != bare.npos) return std::nullopt;
  *std::copy(bare.begin(), bare.end(), host) = '\0';

  Address a;
  if (percent == text.npos && inet_pton(AF_INET, host, &a.v4_.sin_addr) == 1) {
    const in_addr ip = a.v4_.sin_addr;
    a.v4_ = {};
    a.v4_.sin_family = AF_INET;
    a.v4_.sin_addr = ip;
    a.size_ = sizeof a.v4_;
    return a;
  }
  in6_addr ip;
  if (inet_pton(AF_INET6, host, &ip) != 1) return std::nullopt;
  a.v6_ = {};
  a.v6_.sin6_family = AF_INET6;
  a.v6_.sin6_addr = ip;
  a.size_ = sizeof a.v6_;
  if (percent == text.npos) return a;
  // The zone: an interface by name or by number.
  const std::string_view zone = text.substr(percent + 1);
  char name[IF_NAMESIZE];
  if (zone.empty() || zone.size() >= sizeof name || zone.find('\0') != zone.npos)
    return std::nullopt;
  *std::copy(zone.begin(), zone.end(), name) = '\0';
  uint32_t index = if_nametoindex(name);
  if (index == 0) {
    const auto [end, error] = std::from_chars(zone.begin(), zone.end(), index);
    if (error != std::errc() || end != zone.end() || index == 0) return std::nullopt;
  }
  a.v6_.sin6_scope_id = index;
  return a;
}

std::optional<Address> Address::Unix(std::string_view path) noexcept {
  Address a;
  a.unix_ = {};
  // One byte stays for the NUL that the kernel and others like to see.
  if (path.empty() || path.size() >= sizeof a.unix_.sun_path || path.find('\0') != path.npos)
    return std::nullopt;
  a.unix_.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), a.unix_.sun_path);
  // An abstract name starts with a NUL and ends where the size says.
  const bool abstract = path[0] == '@';
  if (abstract) a.unix_.sun_path[0] = '\0';
  a.size_ = static_cast<socklen_t>(kPathAt + path.size() + (abstract ? 0 : 1));
  return a;
}

uint16_t Address::port() const noexcept {
  if (family() == AF_INET) return ntohs(v4_.sin_port);
  if (family() == AF_INET6) return ntohs(v6_.sin6_port);
  return 0;
}

void Address::set_port(uint16_t port) noexcept {
  if (family() == AF_INET) v4_.sin_port = htons(port);
  if (family() == AF_INET6) v6_.sin6_port = htons(port);
}

std::string Address::Text() const {
  char text[INET6_ADDRSTRLEN];
  switch (family()) {
    case AF_INET:
      inet_ntop(AF_INET, &v4_.sin_addr, text, sizeof text);
      return std::string(text) + ":" + std::to_string(port());
    case AF_INET6: {
      inet_ntop(AF_INET6, &v6_.sin6_addr, text, sizeof text);
      std::string zone;
      if (v6_.sin6_scope_id != 0) zone = "%" + std::to_string(v6_.sin6_scope_id);
      return "[" + (text + zone) + "]:" + std::to_string(port());
    }
    case AF_UNIX: {
      if (size_ <= kPathAt) return "unix:";  // a socket without a name
      if (unix_.sun_path[0] == '\0')
        return "unix:@" + std::string(unix_.sun_path + 1, size_ - kPathAt - 1);
      return "unix:" + std::string(unix_.sun_path, strnlen(unix_.sun_path, size_ - kPathAt));
    }
    default:
      return "no address";
  }
}

bool Address::operator==(const Address& other) const noexcept {
  return size_ == other.size_ && std::memcmp(&generic_, &other.generic_, size_) == 0;
}

}  // namespace creche::platform
