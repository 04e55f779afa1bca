#include "platform/sha1.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "platform/openssl.h"

namespace creche::platform {

std::string Sha1(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!InitialiseOpenSsl()) return {};
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha1(), nullptr) == 1)
    return std::string(reinterpret_cast<const char*>(digest), size);
  ERR_clear_error();
  return {};
}

}  // namespace creche::platform
