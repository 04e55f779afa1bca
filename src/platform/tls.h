// TlsContext: what TLS connections of one kind share: trusted CAs, whether to verify, the sessions
// to resume. For clients. Make it off the loop: reading the system's CAs takes milliseconds.
#pragma once
#include <cstddef>
#include <memory>
#include <string>

#include "platform/tls_cache.h"

struct ssl_ctx_st;

namespace creche::platform {

// Why TLS failed.
struct TlsFailure {
  std::string text = {};      // what happened and what to do, one line
  int system_errno = 0;       // of the socket or the file, or 0
  int verify = 0;             // X509_V_ERR_* of a certificate that failed, or 0
  bool disconnected = false;  // the connection ended, or was reset
  bool no_memory = false;     // nothing else was wrong
};

struct TlsOptions {
  bool verify = true;  // false: take any certificate; for tests
  // PEM file of trusted certificates instead of the system's: CAs, intermediate ones too, or
  // servers' own.
  std::string ca_file = {};
  std::string alpn = "http/1.1";  // the protocol to offer; "" for none
  size_t max_sessions = 256;      // kept for resumption, for all hosts together; 0: none
};

// Any thread; immutable but for its cache, which has a lock.
class TlsContext {
 public:
  // Null with *failure set: the CA file cannot be read or holds no certificate, or no memory.
  static std::shared_ptr<TlsContext> Create(const TlsOptions& options,
                                            TlsFailure* failure) noexcept;
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const noexcept { return context_; }
  TlsCache& cache() noexcept { return cache_; }

 private:
  explicit TlsContext(size_t max_sessions) : cache_(max_sessions) {}
  ssl_ctx_st* context_ = nullptr;
  TlsCache cache_;
};

}  // namespace creche::platform
