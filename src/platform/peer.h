// Whom a socket is connected to.
#pragma once
#include "platform/address.h"

namespace creche::platform {

// AF_UNSPEC if to nobody.
Address PeerOf(int fd) noexcept;

}  // namespace creche::platform
