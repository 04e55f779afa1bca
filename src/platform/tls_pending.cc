#include "platform/tls_pending.h"

#include <openssl/ssl.h>

namespace creche::platform {

bool TlsPending(void* ssl) noexcept {
  return ssl && SSL_pending(static_cast<SSL*>(ssl)) > 0;
}

}  // namespace creche::platform
