// What a TLS client offers to servers: ciphers, groups, signature algorithms.
#pragma once

struct ssl_ctx_st;

namespace creche::platform {

// Whether a client's context just made, with nothing set yet, offers all that OpenSSL has. It
// leaves out what it had no memory for, without a word and for as long as the context lives. Any
// thread.
bool OffersAll(ssl_ctx_st* context) noexcept;

}  // namespace creche::platform
