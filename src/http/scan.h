// Looking for control characters, eight bytes at a time: each byte of each head and URL is looked
// at.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace creche::http {

namespace scan {

constexpr uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;

inline uint64_t Load(const char* at) noexcept {
  uint64_t eight;
  std::memcpy(&eight, at, sizeof eight);
  return eight;
}
// The top bit of each byte that is below n (up to 0x80), or equal to c; perhaps that of the next
// byte behind such a one, too.
constexpr uint64_t Below(uint64_t eight, uint8_t n) noexcept {
  return (eight - kOnes * n) & ~eight & kTops;
}
constexpr uint64_t Equal(uint64_t eight, uint8_t c) noexcept {
  return Below(eight ^ kOnes * c, 1);
}

}  // namespace scan

// True if there is a character below 0x20, or 0x7f.
inline bool HasControl(std::string_view text) noexcept {
  const auto in_eight = [](const char* at) {
    const uint64_t eight = scan::Load(at);
    return (scan::Below(eight, 0x20) | scan::Equal(eight, 0x7f)) != 0;
  };
  const char* at = text.data();
  const char* const end = at + text.size();
  if (text.size() >= 8) {
    for (; end - at > 8; at += 8)
      if (in_eight(at)) return true;
    return in_eight(end - 8);
  }
  for (; at < end; at++)
    if (static_cast<unsigned char>(*at) < 0x20 || *at == 0x7f) return true;
  return false;
}

}  // namespace creche::http
