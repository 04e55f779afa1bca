// What OpenSSL holds back of a connection that somebody else (libpq) drives.
#pragma once

namespace creche::platform {

// True if `ssl` (an SSL*, or null) holds decrypted bytes, which no descriptor announces.
bool TlsPending(void* ssl) noexcept;

}  // namespace creche::platform
