// Before the first call of OpenSSL, whoever makes it: see openssl.cc.
#pragma once

namespace creche::platform {

// Any thread. False without memory.
bool InitialiseOpenSsl() noexcept;

}  // namespace creche::platform
