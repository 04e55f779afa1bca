#include "http/websocket/frame_writer.h"

#include <cstring>

namespace creche::http {

void AppendFrame(Opcode opcode, bool coded, std::string_view payload, uint32_t mask,
                 std::string* out) {
  const uint64_t size = payload.size();
  const auto put = [&](uint64_t byte) { out->push_back(static_cast<char>(byte & 0xff)); };
  out->reserve(out->size() + payload.size() + 14);
  put(0x80u | (coded ? 0x40u : 0u) | static_cast<uint8_t>(opcode));
  if (size < 126) {
    put(0x80 | size);
  } else {
    const int bytes = size < 65536 ? 2 : 8;
    put(0x80 | (bytes == 2 ? 126 : 127));
    for (int i = bytes - 1; i >= 0; i--) put(size >> 8 * i);
  }
  char key[4];
  std::memcpy(key, &mask, sizeof key);
  out->append(key, sizeof key);
  const size_t begin = out->size();
  out->append(payload);
  char* at = out->data() + begin;
  size_t left = payload.size();
  const uint64_t wide = uint64_t{mask} << 32 | mask;
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t eight;
    std::memcpy(&eight, at, sizeof eight);
    eight ^= wide;
    std::memcpy(at, &eight, sizeof eight);
  }
  for (size_t i = 0; i < left; i++) at[i] = static_cast<char>(at[i] ^ key[i % 4]);
}

std::string ClosePayload(uint16_t code, std::string_view reason) {
  std::string payload;
  if (code == 0) return payload;
  payload.push_back(static_cast<char>(code >> 8));
  payload.push_back(static_cast<char>(code & 0xff));
  return payload.append(reason);
}

}  // namespace creche::http
