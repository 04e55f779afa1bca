#include "platform/secret.h"

#include <openssl/crypto.h>

namespace creche::platform {

Secret::~Secret() {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

}  // namespace creche::platform
