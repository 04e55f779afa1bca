// Address: where a socket can connect to: IPv4, IPv6 or a Unix path. A plain value.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace creche::platform {

class Address {
 public:
  Address() noexcept { generic_.sa_family = AF_UNSPEC; }
  // A copy of what the system handed out. An unknown family, or a size that does not fit, gives an
  // AF_UNSPEC address.
  static Address From(const sockaddr* from, socklen_t size) noexcept;
  // "192.0.2.1", "2001:db8::1", "fe80::1%eth0": strict forms only, no brackets. Port 0.
  static std::optional<Address> Literal(std::string_view text) noexcept;
  // A path, or "@name" for a name in Linux's abstract namespace. Nothing if it is empty, holds a
  // NUL or is too long (107 bytes).
  static std::optional<Address> Unix(std::string_view path) noexcept;

  int family() const noexcept { return generic_.sa_family; }
  const sockaddr* get() const noexcept { return &generic_; }
  socklen_t size() const noexcept { return size_; }
  uint16_t port() const noexcept;  // 0 if the family has none
  void set_port(uint16_t port) noexcept;
  // "192.0.2.1:80", "[2001:db8::1]:80", "unix:/run/x", "unix:@name".
  std::string Text() const;
  bool operator==(const Address& other) const noexcept;

 private:
  union {
    sockaddr generic_;
    sockaddr_in v4_;
    sockaddr_in6 v6_;
    sockaddr_un unix_;
  };
  socklen_t size_ = sizeof(sockaddr);
};

}  // namespace creche::platform
