// Which addresses anybody can be reached at, rather than somebody of this machine or its network.
#pragma once
#include "platform/address.h"

namespace creche::platform {

// False for what IANA keeps for special use: this host, private networks, links, documentation,
// benchmarks, multicast; also inside of IPv6 (mapped, NAT64, 6to4). And for Unix paths.
bool IsPublic(const Address& address) noexcept;

}  // namespace creche::platform
