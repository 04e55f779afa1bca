#include "platform/tls_chain.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <new>

namespace creche::platform {

namespace {

[[noreturn]] void NoMemory() {
  ERR_clear_error();
  throw std::bad_alloc();
}

}  // namespace

std::shared_ptr<const TlsChain> TlsChain::Of(const ssl_st* ssl) {
  STACK_OF(X509)* const shown = SSL_get_peer_cert_chain(ssl);
  if (!shown) return nullptr;
  STACK_OF(X509)* const kept = X509_chain_up_ref(shown);
  if (!kept) NoMemory();
  try {
    return std::make_shared<const TlsChain>(kept);
  } catch (const std::bad_alloc&) {
    sk_X509_pop_free(kept, X509_free);
    throw;
  }
}

TlsChain::~TlsChain() {
  sk_X509_pop_free(chain_, X509_free);
}

size_t TlsChain::size() const noexcept {
  return static_cast<size_t>(sk_X509_num(chain_));
}

std::string TlsChain::Der(size_t index) const {
  const X509* const one = sk_X509_value(chain_, static_cast<int>(index));
  const int size = i2d_X509(one, nullptr);
  if (size <= 0) NoMemory();
  std::string der(static_cast<size_t>(size), '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  if (i2d_X509(one, &at) != size) NoMemory();
  return der;
}

std::string TlsChain::Pem(size_t index) const {
  const std::unique_ptr<BIO, int (*)(BIO*)> memory(BIO_new(BIO_s_mem()), BIO_free);
  if (!memory ||
      PEM_write_bio_X509(memory.get(), sk_X509_value(chain_, static_cast<int>(index))) != 1)
    NoMemory();
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

}  // namespace creche::platform
