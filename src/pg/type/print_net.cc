// Addresses of networks and of their cards.
#include <arpa/inet.h>

#include "pg/type/print.h"
#include "pg/type/type.h"

namespace creche::pg {

// Family, bits of the netmask, whether it is a cidr, length, address.
bool PrintInet(std::string* out, const RowView::Cell& cell) {
  constexpr uint8_t kV4 = 2, kV6 = 3;
  constexpr size_t kHead = 4;
  if (cell.size < kHead) return false;
  const auto* b = reinterpret_cast<const uint8_t*>(cell.bytes);
  const bool v4 = b[0] == kV4;
  const size_t length = v4 ? 4 : 16;
  if ((!v4 && b[0] != kV6) || b[3] != length || cell.size != kHead + length) return false;
  char text[INET6_ADDRSTRLEN];
  if (!inet_ntop(v4 ? AF_INET : AF_INET6, b + kHead, text, sizeof text)) return false;
  out->append(text);
  // A network always says how big it is.
  if (b[1] == 8 * length && b[2] == 0) return true;
  *out += '/';
  AppendInteger(out, b[1]);
  return true;
}

bool PrintMac(std::string* out, const RowView::Cell& cell) {
  if (cell.size != 6 && cell.size != 8) return false;
  for (uint32_t i = 0; i < cell.size; i++) {
    if (i > 0) *out += ':';
    AppendHex(out, cell.bytes + i, 1);
  }
  return true;
}

}  // namespace creche::pg
