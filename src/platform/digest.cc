#include "platform/digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "platform/openssl.h"

namespace creche::platform {

std::string HexDigest(const char* algorithm, std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t size = 0;
  if (!InitialiseOpenSsl()) return {};
  if (EVP_Q_digest(nullptr, algorithm, nullptr, bytes.data(), bytes.size(), digest, &size) != 1) {
    ERR_clear_error();
    return {};
  }
  std::string text;
  for (size_t i = 0; i < size; i++)
    text.append(1, kHex[digest[i] >> 4]).append(1, kHex[digest[i] & 15]);
  return text;
}

}  // namespace creche::platform
