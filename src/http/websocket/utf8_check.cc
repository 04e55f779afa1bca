#include "http/websocket/utf8_check.h"

#include <cstring>

namespace creche::http {

bool Utf8Check::Take(std::string_view piece) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(piece.data());
  const unsigned char* const end = at + piece.size();
  while (at != end) {
    if (left_ == 0 && end - at >= 8) {
      uint64_t eight;
      std::memcpy(&eight, at, sizeof eight);
      if ((eight & 0x8080808080808080) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const unsigned char byte = *at++;
    if (left_ > 0) {
      if (byte < low_ || byte > high_) return false;
      left_--;
      low_ = 0x80;
      high_ = 0xbf;
      continue;
    }
    if (byte < 0x80) continue;
    if (byte < 0xc2 || byte > 0xf4) return false;
    left_ = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    // No overlong form, no surrogate, nothing above U+10FFFF.
    low_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
    high_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
  }
  return true;
}

}  // namespace creche::http
