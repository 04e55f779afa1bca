#include "platform/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>

#include "platform/openssl.h"
#include "platform/tls_files.h"
#include "platform/tls_offer.h"
#include "platform/tls_session.h"
#include "platform/tls_text.h"
#include "platform/tls_trust.h"

namespace creche::platform {

namespace {

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
    TlsFailure why;
    if (!UseTrusted(context, options, &why) || !UseIdentity(context, options, &why) ||
        !UseVersions(context, options, &why)) {
      *failure = std::move(why);
      return nullptr;
    }
    if (!ReadTrusted(context)) {
      *failure = TlsFailure{.no_memory = true};
      return nullptr;
    }
    std::shared_ptr<TlsContext> made(new TlsContext(options));
    if (!options.key_log_file.empty()) {
      made->key_log_ = UniqueFd(open(options.key_log_file.c_str(),
                                     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
      if (!made->key_log_) {
        const int error = errno;
        char text[128];
        *failure = TlsFailure{.text = "the key log " + options.key_log_file +
                                      " cannot be opened: " + strerror_r(error, text, sizeof text),
                              .system_errno = error};
        return nullptr;
      }
      if (SSL_CTX_set_app_data(context, made.get()) != 1) return nullptr;
      SSL_CTX_set_keylog_callback(context, OnKeyLog);
    }
    SSL_CTX_up_ref(context);
    made->context_ = context;
    *failure = TlsFailure{};
    return made;
  } catch (const std::bad_alloc&) {
    *failure = TlsFailure{.no_memory = true};
    return nullptr;
  }
}

TlsContext::TlsContext(const TlsOptions& options)
    : cache_(options.max_sessions),
      server_name_(options.server_name),
      pins_(options.pins),
      offers_alpn_(!options.alpn.empty()),
      number_([] {
        static std::atomic<uint64_t> last{0};
        return ++last;
      }()) {}

// A line in one write, for several processes may share the file.
void TlsContext::OnKeyLog(const ssl_st* ssl, const char* line) {
  const auto* self = static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  char end = '\n';
  const iovec parts[] = {{const_cast<char*>(line), strlen(line)}, {&end, 1}};
  [[maybe_unused]] const ssize_t written = writev(self->key_log_.get(), parts, 2);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

}  // namespace creche::platform
