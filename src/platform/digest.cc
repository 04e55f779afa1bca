#include "platform/digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <new>

#include "platform/openssl.h"

namespace creche::platform {

// Whether what OpenSSL has failed with is that there is no such digest. All else is memory, which
// it does not always say.
static bool ThereIsNone() {
  bool none = false;
  while (const unsigned long error = ERR_get_error()) {
    if (ERR_GET_REASON(error) == ERR_R_UNSUPPORTED) none = true;
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) {
      ERR_clear_error();
      return false;
    }
  }
  return none;
}

std::string Digest(const char* algorithm, std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t size = 0;
  if (!InitialiseOpenSsl()) throw std::bad_alloc();
  ERR_clear_error();
  if (EVP_Q_digest(nullptr, algorithm, nullptr, bytes.data(), bytes.size(), digest, &size) == 1)
    return std::string(reinterpret_cast<const char*>(digest), size);
  if (!ThereIsNone()) throw std::bad_alloc();
  return {};
}

std::string HexDigest(const char* algorithm, std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : Digest(algorithm, bytes))
    text.append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
  return text;
}

}  // namespace creche::platform
