#include "platform/tls_trust.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "platform/tls_text.h"

namespace creche::platform {

namespace {

uint32_t FlagsOf(X509* certificate) {
  X509_check_purpose(certificate, -1, 0);
  return X509_get_extension_flags(certificate);
}

// What the key is worth, which OpenSSL reckons only once: 0 if it has no key, or one without worth.
int KeyOf(X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  return key ? EVP_PKEY_get_security_bits(key) : 0;
}

// OpenSSL keeps what it made of a certificate with it, also if memory was short then: without its
// key, say, nobody would be trusted by it any more. Whether the certificate is like that itself is
// seen when it is read again.
bool IsHalfRead(X509* certificate) {
  const uint32_t flags = FlagsOf(certificate);
  const int key = KeyOf(certificate);
  if (key > 0 && (flags & (EXFLAG_INVALID | EXFLAG_NO_FINGERPRINT)) == 0) return false;
  ERR_clear_error();
  X509* again = X509_dup(certificate);
  const bool differs = !again || FlagsOf(again) != flags || KeyOf(again) != key;
  X509_free(again);
  return TakeMemoryFailure() || differs;
}

}  // namespace

bool ReadTrusted(ssl_ctx_st* context) noexcept {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  if (X509_STORE_lock(store) != 1) return false;
  bool whole = true;
  STACK_OF(X509_OBJECT)* all = X509_STORE_get0_objects(store);
  for (int i = sk_X509_OBJECT_num(all) - 1; i >= 0; i--) {
    X509* certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));
    if (!certificate || !IsHalfRead(certificate)) continue;
    whole = false;
    X509_OBJECT_free(sk_X509_OBJECT_delete(all, i));
  }
  X509_STORE_unlock(store);
  ERR_clear_error();
  return whole;
}

}  // namespace creche::platform
