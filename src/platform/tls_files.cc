#include "platform/tls_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "platform/secret.h"
#include "platform/tls_text.h"
#include "platform/unique_fd.h"

namespace creche::platform {

namespace {

// More is no certificate, key or list of them.
constexpr size_t kMostBytes = 64 << 20;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(DIR* folder) const { closedir(folder); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

bool Fail(TlsFailure* failure, std::string text, int error = 0) {
  *failure = TlsFailure{.text = std::move(text), .system_errno = error};
  return false;
}

// What OpenSSL could not take: for want of memory, or because it is not good.
bool Refused(TlsFailure* failure, std::string text) {
  if (!TakeMemoryFailure()) return Fail(failure, std::move(text));
  *failure = TlsFailure{.no_memory = true};
  return false;
}

bool ReadFile(const char* what, const std::string& path, Secret* into, TlsFailure* failure) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  int error = file ? 0 : errno;
  into->bytes.reserve(64 << 10);
  while (error == 0) {
    char block[16 << 10];
    const ssize_t n = read(file.get(), block, sizeof block);
    if (n < 0 && errno != EINTR) error = errno;
    if (n == 0) break;
    if (n > 0) into->bytes.append(block, static_cast<size_t>(n));
    if (into->bytes.size() > kMostBytes) error = EFBIG;
    OPENSSL_cleanse(block, sizeof block);
  }
  if (error == 0) return true;
  char text[128];
  return Fail(
      failure,
      std::string(what) + " " + path + " cannot be read: " + strerror_r(error, text, sizeof text),
      error);
}

Owned<BIO> Reader(std::string_view bytes) {
  return Owned<BIO>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

bool IsPem(std::string_view bytes) {
  return bytes.find("-----BEGIN ") != bytes.npos;
}

const unsigned char* Bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// Calls take(X509*), which answers 1, for each certificate: of PEM, or one of DER. How many there
// were, or -1 if one was not taken.
template <class Take>
int ForEachCertificate(std::string_view bytes, Take take) {
  if (!IsPem(bytes)) {
    const unsigned char* at = Bytes(bytes);
    const Owned<X509> one(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
    return !one ? 0 : take(one.get()) == 1 ? 1 : -1;
  }
  const Owned<BIO> bio = Reader(bytes);
  int count = 0;
  while (bio) {
    const Owned<X509> one(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (!one) break;
    if (take(one.get()) != 1) return -1;
    count++;
  }
  return count;
}

// Text that is at its end is an error to OpenSSL: it is none. True if all that was there was read.
bool AtEnd() {
  const unsigned long error = ERR_peek_last_error();
  const bool end = error == 0 || (ERR_GET_LIB(error) == ERR_LIB_PEM &&
                                  ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
  if (end) ERR_clear_error();
  return end;
}

bool Trust(SSL_CTX* context, const std::string& where, std::string_view bytes, bool maybe,
           TlsFailure* failure, int* count) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  ERR_clear_error();
  const int n =
      ForEachCertificate(bytes, [&](X509* one) { return X509_STORE_add_cert(store, one); });
  if (n > 0 && AtEnd()) {
    *count += n;
    return true;
  }
  if (maybe && !TakeMemoryFailure()) return true;
  return Refused(failure, where + " holds no certificate" +
                              (n > 0 ? " behind the first " + std::to_string(n) : std::string()) +
                              ": it must be in PEM format, or a single one in DER");
}

// All of it now: looking up a certificate in a folder when it is needed would hold the loop up.
bool TrustFolder(SSL_CTX* context, const std::string& path, TlsFailure* failure) {
  const Owned<DIR> folder(opendir(path.c_str()));
  if (!folder) {
    const int error = errno;
    char text[128];
    return Fail(
        failure,
        "the CA folder " + path + " cannot be read: " + strerror_r(error, text, sizeof text),
        error);
  }
  int count = 0;
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    Secret file;
    TlsFailure unread;
    const std::string name = path + "/" + entry->d_name;
    if (!ReadFile("the file", name, &file, &unread)) continue;  // a folder, or none of ours
    if (!Trust(context, name, file.bytes, true, failure, &count)) return false;
  }
  return count > 0 ||
         Fail(failure, "the CA folder " + path + " holds no certificate in PEM format");
}

bool UseCrls(SSL_CTX* context, const std::string& path, TlsFailure* failure) {
  Secret file;
  if (!ReadFile("the CRL file", path, &file, failure)) return false;
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const Owned<BIO> bio = Reader(file.bytes);
  int count = 0;
  ERR_clear_error();
  while (bio) {
    const Owned<X509_CRL> list(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
    if (!list) break;
    if (X509_STORE_add_crl(store, list.get()) != 1) {
      count = 0;
      break;
    }
    count++;
  }
  if (count == 0 || !AtEnd())
    return Refused(failure, "the CRL file " + path + " holds no list: it must be in PEM format");
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_CRL_CHECK);
  return true;
}

// Never asks on a terminal.
int GivePassword(char* into, int capacity, int, void* password) {
  const auto& text = *static_cast<const std::string*>(password);
  if (text.empty() || text.size() > static_cast<size_t>(capacity)) return -1;
  memcpy(into, text.data(), text.size());
  return static_cast<int>(text.size());
}

int Number(int version) {
  return version == 13 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

bool UseKey(SSL_CTX* context, const std::string& where, std::string_view bytes,
            const std::string& password, TlsFailure* failure) {
  ERR_clear_error();
  Owned<EVP_PKEY> key;
  if (IsPem(bytes)) {
    const Owned<BIO> bio = Reader(bytes);
    if (bio)
      key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, GivePassword,
                                        const_cast<std::string*>(&password)));
  } else {
    const unsigned char* at = Bytes(bytes);
    key.reset(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(bytes.size())));
  }
  if (!key)
    return Refused(failure, where +
                                " holds no private key that can be read: it must be in PEM or "
                                "DER format, and if it is encrypted key_password must be right");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return Refused(failure, where + " is not the key of the client certificate");
  return true;
}

}  // namespace

void Forget(std::string* secret) noexcept {
  OPENSSL_cleanse(secret->data(), secret->size());
  secret->clear();
}

bool UseTrusted(ssl_ctx_st* context, const TlsOptions& o, TlsFailure* failure) {
  int count = 0;
  if (!o.ca_file.empty()) {
    Secret file;
    if (!ReadFile("the CA file", o.ca_file, &file, failure) ||
        !Trust(context, "the CA file " + o.ca_file, file.bytes, false, failure, &count))
      return false;
  }
  if (!o.ca_folder.empty() && !TrustFolder(context, o.ca_folder, failure)) return false;
  if (!o.ca_data.empty() && !Trust(context, "ca_data", o.ca_data, false, failure, &count))
    return false;
  const bool own = !o.ca_file.empty() || !o.ca_folder.empty() || !o.ca_data.empty();
  if (o.verify && (!own || o.system_cas)) {
    // What cannot be read here is missed by name when a certificate does not verify.
    SSL_CTX_set_default_verify_paths(context);
    // All of them, or none: the context is kept.
    if (TakeMemoryFailure()) {
      *failure = TlsFailure{.no_memory = true};
      return false;
    }
  }
  return o.crl_file.empty() || UseCrls(context, o.crl_file, failure);
}

bool UseIdentity(ssl_ctx_st* context, const TlsOptions& o, TlsFailure* failure) {
  if (o.cert_file.empty() && o.cert_data.empty()) return true;
  Secret certificate(o.cert_data);
  const std::string where =
      o.cert_file.empty() ? "cert_data" : "the client certificate " + o.cert_file;
  if (!o.cert_file.empty() &&
      !ReadFile("the client certificate", o.cert_file, &certificate, failure))
    return false;
  ERR_clear_error();
  bool first = true;
  const int n = ForEachCertificate(certificate.bytes, [&](X509* one) {
    if (std::exchange(first, false)) return SSL_CTX_use_certificate(context, one);
    return static_cast<int>(SSL_CTX_add1_chain_cert(context, one));
  });
  if (n < 1)
    return Refused(failure, where + " holds no certificate: it must be in PEM or DER format");
  ERR_clear_error();
  if (o.key_file.empty() && o.key_data.empty())  // both in one
    return UseKey(context, where, certificate.bytes, o.key_password, failure);
  if (!o.key_data.empty()) return UseKey(context, "key_data", o.key_data, o.key_password, failure);
  Secret key;
  return ReadFile("the client's key", o.key_file, &key, failure) &&
         UseKey(context, "the client's key " + o.key_file, key.bytes, o.key_password, failure);
}

bool UseVersions(ssl_ctx_st* context, const TlsOptions& o, TlsFailure* failure) {
  ERR_clear_error();
  if (o.min_version != 0 && SSL_CTX_set_min_proto_version(context, Number(o.min_version)) != 1)
    return Refused(failure, "the version of TLS in min_version is not to be had");
  if (o.max_version != 0 && SSL_CTX_set_max_proto_version(context, Number(o.max_version)) != 1)
    return Refused(failure, "the version of TLS in max_version is not to be had");
  if (!o.ciphers.empty() && SSL_CTX_set_cipher_list(context, o.ciphers.c_str()) != 1)
    return Refused(failure, "ciphers names no cipher that is known: see openssl-ciphers(1)");
  if (!o.ciphersuites.empty() && SSL_CTX_set_ciphersuites(context, o.ciphersuites.c_str()) != 1)
    return Refused(failure,
                   "ciphersuites names one that is not known, such as TLS_AES_128_GCM_SHA256");
  return true;
}

}  // namespace creche::platform
