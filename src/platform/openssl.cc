#include "platform/openssl.h"

#include <openssl/ssl.h>

#include "platform/fork.h"

namespace creche::platform {

// No clean-up at exit: threads of the host, or our own, may still be inside OpenSSL then. Only the
// first call that initialises it can say so; where that was the host's, exit() waits for our
// workers and connections.
bool InitialiseOpenSsl() noexcept {
  static const bool done = [] {
    const bool ready = OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr) == 1;
    ForkHold::KeepExits();
    ExitHold::KeepExits();
    return ready;
  }();
  return done;
}

}  // namespace creche::platform
