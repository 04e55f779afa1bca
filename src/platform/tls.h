// TlsContext: what TLS connections of one kind share: trusted CAs, whether to verify, the sessions
// to resume. For clients. Make it off the loop: reading the system's CAs takes milliseconds.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/tls_cache.h"
#include "platform/tls_pins.h"
#include "platform/unique_fd.h"

struct ssl_ctx_st;
struct ssl_st;

namespace creche::platform {

// Why TLS failed.
struct TlsFailure {
  std::string text = {};      // what happened and what to do, one line
  int system_errno = 0;       // of the socket or the file, or 0
  int verify = 0;             // X509_V_ERR_* of a certificate that failed, or 0
  bool disconnected = false;  // the connection ended, or was reset
  bool no_memory = false;     // nothing else was wrong
};

// creche_tls_options, checked. Files are read when the context is made; keys are not kept here.
struct TlsOptions {
  bool verify = true;  // false: take any certificate; for tests, or beside pins
  // PEM file of trusted certificates instead of the system's: CAs, intermediate ones too, or
  // servers' own.
  std::string ca_file = {};
  std::string ca_folder = {};  // the same: all files of a folder
  std::string ca_data = {};    // the same: PEM, or one in DER
  bool system_cas = false;     // the system's as well
  std::string crl_file = {};  // revoked certificates are refused, and those of issuers without list
  // Who the client is: a certificate with its chain, and its key; PEM or DER.
  std::string cert_file = {};
  std::string cert_data = {};
  std::string key_file = {};  // neither this nor key_data: in the same place as the certificate
  std::string key_data = {};
  std::string key_password = {};
  int min_version = 0;            // 12 or 13, of TLS 1.2 or 1.3; 0: 1.2
  int max_version = 0;            // 0: the newest
  std::string ciphers = {};       // of TLS 1.2
  std::string ciphersuites = {};  // of TLS 1.3
  std::string alpn = "http/1.1";  // the protocol to offer; "" for none
  std::string server_name = {};   // for SNI and the certificate, in place of the host
  std::vector<TlsPin> pins = {};  // one of these, if there are any
  std::string key_log_file = {};  // secrets are appended to it, for who looks at packets
  size_t max_sessions = 256;      // kept for resumption, for all hosts together; 0: none
};

// Any thread; immutable but for its cache, which has a lock.
class TlsContext {
 public:
  // Null with *failure set: a file cannot be read or does not hold what it should, or no memory.
  static std::shared_ptr<TlsContext> Create(const TlsOptions& options,
                                            TlsFailure* failure) noexcept;
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const noexcept { return context_; }
  TlsCache& cache() noexcept { return cache_; }
  const std::string& server_name() const noexcept { return server_name_; }
  bool offers_alpn() const noexcept { return offers_alpn_; }
  const std::vector<TlsPin>& pins() const noexcept { return pins_; }
  // Never that of another.
  uint64_t number() const noexcept { return number_; }

 private:
  explicit TlsContext(const TlsOptions& options);
  static void OnKeyLog(const ssl_st* ssl, const char* line);

  ssl_ctx_st* context_ = nullptr;
  TlsCache cache_;
  const std::string server_name_;
  const std::vector<TlsPin> pins_;
  const bool offers_alpn_;
  const uint64_t number_;
  UniqueFd key_log_;
};

}  // namespace creche::platform
