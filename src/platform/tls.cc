#include "platform/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>
#include <mutex>
#include <new>

#include "platform/tls_offer.h"
#include "platform/tls_session.h"
#include "platform/tls_text.h"
#include "platform/tls_trust.h"

namespace creche::platform {

namespace {

// No clean-up at exit: threads of the host, or our own, may still be inside OpenSSL then.
bool InitialiseOpenSsl() {
  static const bool done = OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr) == 1;
  return done;
}

bool TrustFile(SSL_CTX* context, const std::string& file, TlsFailure* failure) {
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, file.c_str()) == 1) return true;
  const unsigned long error = ERR_peek_error();
  *failure = TlsFailure{.no_memory = TakeMemoryFailure()};
  if (failure->no_memory) return false;
  if (ERR_SYSTEM_ERROR(error)) {
    failure->system_errno = ERR_GET_REASON(error);
    char text[128];
    failure->text = "the CA file " + file +
                    " cannot be read: " + strerror_r(failure->system_errno, text, sizeof text);
  } else {
    failure->text = "the CA file " + file + " holds no certificate: it must be in PEM format";
  }
  return false;
}

bool OfferProtocol(SSL_CTX* context, const std::string& name) {
  if (name.empty()) return true;
  const std::string list = static_cast<char>(name.size()) + name;
  // The one function of OpenSSL that answers 0 for success.
  return SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(list.data()),
                                 static_cast<unsigned>(list.size())) == 0;
}

}  // namespace

std::shared_ptr<TlsContext> TlsContext::Create(const TlsOptions& options,
                                               TlsFailure* failure) noexcept {
  try {
    *failure = TlsFailure{.no_memory = true};
    if (!InitialiseOpenSsl()) return nullptr;
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> owner(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
    SSL_CTX* context = owner.get();
    ERR_clear_error();
    if (!context || !OffersAll(context)) return nullptr;
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return nullptr;
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // An end without close_notify must be told from a proper one, whatever openssl.cnf says.
    SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    // One receive for a record, not one for its header and one for its body.
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, TlsSession::OnNewSession);
    if (!OfferProtocol(context, options.alpn)) return nullptr;
    SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    // Whatever is trusted is an anchor: an intermediate CA, or the server's own certificate.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    if (!options.ca_file.empty()) {
      if (!TrustFile(context, options.ca_file, failure)) return nullptr;
    } else if (options.verify) {
      // What cannot be read here is missed by name when a certificate does not verify.
      SSL_CTX_set_default_verify_paths(context);
      // All of them, or none: the context is kept.
      if (TakeMemoryFailure()) return nullptr;
    }
    if (!ReadTrusted(context)) {
      *failure = TlsFailure{.no_memory = true};
      return nullptr;
    }
    std::shared_ptr<TlsContext> made(new TlsContext(options.max_sessions));
    SSL_CTX_up_ref(context);
    made->context_ = context;
    *failure = TlsFailure{};
    return made;
  } catch (const std::bad_alloc&) {
    *failure = TlsFailure{.no_memory = true};
    return nullptr;
  }
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

}  // namespace creche::platform
