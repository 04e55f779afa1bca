#include "platform/openssl.h"

#include <openssl/ssl.h>

namespace creche::platform {

// No clean-up at exit: threads of the host, or our own, may still be inside OpenSSL then. Only the
// first call that initialises it can say so.
bool InitialiseOpenSsl() noexcept {
  static const bool done = OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr) == 1;
  return done;
}

}  // namespace creche::platform
