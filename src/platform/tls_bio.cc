#include "platform/tls_bio.h"

#include <openssl/bio.h>

#include <atomic>
#include <cerrno>

namespace creche::platform {

namespace {

TlsBio& Of(BIO* bio) {
  return *static_cast<TlsBio*>(BIO_get_data(bio));
}

int Write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  TlsBio& self = Of(bio);
  self.failed = 0;
  const ssize_t n = self.lower->Send(data, static_cast<size_t>(size));
  if (n >= 0) return static_cast<int>(n);
  if (n == -EAGAIN)
    BIO_set_retry_write(bio);
  else
    self.failed = static_cast<int>(-n);
  return -1;
}

int Read(BIO* bio, char* into, int capacity) {
  BIO_clear_retry_flags(bio);
  TlsBio& self = Of(bio);
  self.failed = 0;
  const ssize_t n =
      self.drained ? -EAGAIN : self.lower->Receive(into, static_cast<size_t>(capacity));
  self.drained = n < capacity && n != 0;
  if (n > 0) return static_cast<int>(n);
  if (n == 0) {
    self.ended = true;
    return 0;
  }
  if (n == -EAGAIN)
    BIO_set_retry_read(bio);
  else
    self.failed = static_cast<int>(-n);
  return -1;
}

long Control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return Of(bio).ended;
    default:
      return 0;
  }
}

BIO_METHOD* MakeMethod() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "creche transport");
  if (!method) return nullptr;
  BIO_meth_set_write(method, Write);  // none of these can fail
  BIO_meth_set_read(method, Read);
  BIO_meth_set_ctrl(method, Control);
  return method;
}

}  // namespace

bio_st* NewBio(TlsBio* of) noexcept {
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
  BIO_set_data(bio, of);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace creche::platform
