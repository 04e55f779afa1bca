#include "platform/public_address.h"

#include <arpa/inet.h>

#include <cstdint>
#include <cstring>

namespace creche::platform {

namespace {

struct Net {
  uint32_t address;
  int bits;
};
constexpr uint32_t V4(uint32_t a, uint32_t b, uint32_t c) {
  return a << 24 | b << 16 | c << 8;
}
constexpr Net kSpecial[] = {
    {V4(0, 0, 0), 8},      {V4(10, 0, 0), 8},     {V4(100, 64, 0), 10}, {V4(127, 0, 0), 8},
    {V4(169, 254, 0), 16}, {V4(172, 16, 0), 12},  {V4(192, 0, 0), 24},  {V4(192, 0, 2), 24},
    {V4(192, 88, 99), 24}, {V4(192, 168, 0), 16}, {V4(198, 18, 0), 15}, {V4(198, 51, 100), 24},
    {V4(203, 0, 113), 24}, {V4(224, 0, 0), 3},
};

bool IsPublicV4(uint32_t address) {
  for (const Net& net : kSpecial)
    if ((address ^ net.address) >> (32 - net.bits) == 0) return false;
  return true;
}

uint32_t V4At(const unsigned char* at) {
  uint32_t address = 0;
  std::memcpy(&address, at, sizeof address);
  return ntohl(address);
}

bool Begins(const unsigned char* bytes, std::initializer_list<unsigned char> with) {
  return std::memcmp(bytes, with.begin(), with.size()) == 0;
}

bool IsPublicV6(const unsigned char* bytes) {
  if (Begins(bytes, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}))  // NAT64
    return IsPublicV4(V4At(bytes + 12));
  if (Begins(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}))  // mapped
    return IsPublicV4(V4At(bytes + 12));
  if (Begins(bytes, {0x20, 0x02})) return IsPublicV4(V4At(bytes + 2));  // 6to4
  if (Begins(bytes, {0x20, 0x01, 0x0d, 0xb8}) || Begins(bytes, {0x3f, 0xff}))
    return false;                                                    // documentation
  if (Begins(bytes, {0x20, 0x01}) && bytes[2] < 0x02) return false;  // 2001::/23, of protocols
  return (bytes[0] & 0xe0) == 0x20;                                  // 2000::/3
}

}  // namespace

bool IsPublic(const Address& address) noexcept {
  if (address.family() == AF_INET)
    return IsPublicV4(ntohl(reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr.s_addr));
  if (address.family() == AF_INET6)
    return IsPublicV6(reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr.s6_addr);
  return false;
}

}  // namespace creche::platform
