#include "platform/tls_transport.h"

#include <openssl/bio.h>

#include <atomic>
#include <cerrno>

#include "platform/socket.h"

namespace creche::platform {

namespace {

TlsTransport& TransportOf(BIO* bio) {
  return *static_cast<TlsTransport*>(BIO_get_data(bio));
}

int Write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const iovec part{const_cast<char*>(data), static_cast<size_t>(size)};
  TlsTransport& transport = TransportOf(bio);
  transport.failed = 0;
  const ssize_t n = SendOn(transport.fd, &part, 1);
  if (n >= 0) return static_cast<int>(n);
  if (n == -EAGAIN)
    BIO_set_retry_write(bio);
  else
    transport.failed = static_cast<int>(-n);
  return -1;
}

int Read(BIO* bio, char* into, int capacity) {
  BIO_clear_retry_flags(bio);
  TlsTransport& transport = TransportOf(bio);
  transport.failed = 0;
  const ssize_t n =
      transport.drained ? -EAGAIN : ReceiveFrom(transport.fd, into, static_cast<size_t>(capacity));
  transport.drained = n < capacity && n != 0;
  if (n > 0) return static_cast<int>(n);
  if (n == 0) {
    transport.ended = true;
    return 0;
  }
  if (n == -EAGAIN)
    BIO_set_retry_read(bio);
  else
    transport.failed = static_cast<int>(-n);
  return -1;
}

long Control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return TransportOf(bio).ended;
    default:
      return 0;
  }
}

BIO_METHOD* MakeMethod() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "creche socket");
  if (!method) return nullptr;
  BIO_meth_set_write(method, Write);  // none of these can fail
  BIO_meth_set_read(method, Read);
  BIO_meth_set_ctrl(method, Control);
  return method;
}

}  // namespace

bio_st* NewTransportBio(TlsTransport* transport) noexcept {
  // Made once and never freed: connections may outlive everything that could free it. Without
  // memory it is made by the next one.
  static constinit std::atomic<BIO_METHOD*> made{nullptr};
  BIO_METHOD* method = made.load(std::memory_order_acquire);
  if (!method) {
    BIO_METHOD* fresh = MakeMethod();
    if (!fresh) return nullptr;
    if (made.compare_exchange_strong(method, fresh))
      method = fresh;
    else
      BIO_meth_free(fresh);
  }
  BIO* bio = BIO_new(method);
  if (!bio) return nullptr;
  BIO_set_data(bio, transport);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace creche::platform
