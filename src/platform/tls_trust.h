// The certificates that a TLS context trusts, as OpenSSL has read them.
#pragma once

struct ssl_ctx_st;

namespace creche::platform {

// Looks at each trusted certificate as a handshake does. False: there was no memory to read all of
// one; such a one is trusted no longer, and is read anew where it came from a directory. Any
// thread.
bool ReadTrusted(ssl_ctx_st* context) noexcept;

}  // namespace creche::platform
