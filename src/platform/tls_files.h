// What a TLS context is told by its user: whom to trust, who it is, which versions and ciphers.
#pragma once
#include <string>

#include "platform/tls.h"

struct ssl_ctx_st;

namespace creche::platform {

// Each reads its files now. False with *failure set. Any thread; blocks. May throw bad_alloc.
bool UseTrusted(ssl_ctx_st* context, const TlsOptions& options, TlsFailure* failure);
bool UseIdentity(ssl_ctx_st* context, const TlsOptions& options, TlsFailure* failure);
bool UseVersions(ssl_ctx_st* context, const TlsOptions& options, TlsFailure* failure);

// Overwrites what should not be left in memory.
void Forget(std::string* secret) noexcept;

}  // namespace creche::platform
