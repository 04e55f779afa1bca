#include "platform/tls_offer.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <atomic>
#include <cstddef>
#include <memory>

namespace creche::platform {

namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// The size of the first message to a server, where all of it is told; 0: there is none.
size_t HelloSize(SSL_CTX* context) {
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context), &SSL_free);
  if (!ssl) return 0;
  BIO* nothing = BIO_new(BIO_s_null());
  BIO* sent = BIO_new(BIO_s_mem());
  SSL_set0_rbio(ssl.get(), nothing);
  SSL_set0_wbio(ssl.get(), sent);
  if (!nothing || !sent) return 0;
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  return BIO_ctrl_pending(sent);
}

}  // namespace

bool OffersAll(ssl_ctx_st* context) noexcept {
  // What they had that were whole. It may change with what the host loads into OpenSSL; so another
  // one has the last word.
  static std::atomic<size_t> usual{0};
  const size_t size = HelloSize(context);
  bool all = size != 0 && size == usual.load(std::memory_order_relaxed);
  if (!all) {
    const Context other(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    all = other && HelloSize(other.get()) == size;
    if (all) usual.store(size, std::memory_order_relaxed);
  }
  ERR_clear_error();
  return all;
}

}  // namespace creche::platform
