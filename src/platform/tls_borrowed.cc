#include "platform/tls_borrowed.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>

namespace creche::platform {

size_t PeekTls(void* ssl, void* into, size_t capacity) noexcept {
  size_t n = 0;
  const bool read = SSL_peek_ex(static_cast<SSL*>(ssl), into, capacity, &n) == 1;
  ERR_clear_error();
  return read ? n : 0;
}

BorrowedTls::BorrowedTls(void* ssl) noexcept : ssl_(static_cast<SSL*>(ssl)) {
  if (!ssl_) return;
  SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One receive for what is there, not two for each record.
  SSL_set_read_ahead(ssl_, 1);
}

ssize_t BorrowedTls::Read(void* into, size_t capacity) noexcept {
  pending_ = false;
  read_wants_write_ = false;
  if (ended_ != 1) return ended_;
  size_t total = 0;
  ssize_t state = 1;
  do {
    size_t n = 0;
    ERR_clear_error();
    errno = 0;
    const int returned = SSL_read_ex(ssl_, static_cast<char*>(into) + total, capacity - total, &n);
    if (returned != 1) state = Sort(returned, &read_wants_write_);
    total += n;
  } while (state == 1 && total < capacity);
  if (state != 1 && state != -EAGAIN) ended_ = state;
  if (total == 0) return state;
  // What was read before the end is told first; the end with the next call.
  pending_ = state == 1 ? SSL_has_pending(ssl_) == 1 : state != -EAGAIN;
  return static_cast<ssize_t>(total);
}

ssize_t BorrowedTls::Write(const void* data, size_t size) noexcept {
  size_t total = 0;
  while (total < size) {
    size_t n = 0;
    ERR_clear_error();
    errno = 0;
    const int returned =
        SSL_write_ex(ssl_, static_cast<const char*>(data) + total, size - total, &n);
    if (returned != 1) {
      bool wants_write = false;
      const ssize_t state = Sort(returned, &wants_write);
      if (total > 0) break;
      return state == 0 ? -EPIPE : state;
    }
    total += n;
  }
  return static_cast<ssize_t>(total);
}

ssize_t BorrowedTls::Sort(int returned, bool* wants_write) noexcept {
  const int saved = errno;
  const int why = SSL_get_error(ssl_, returned);
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  ERR_clear_error();
  switch (why) {
    case SSL_ERROR_WANT_READ:
      return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
      *wants_write = true;
      return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_SYSCALL:
      // The transport's end or failure.
      return saved == 0 || saved == EAGAIN ? 0 : -saved;
    default:
      if (reason == ERR_R_MALLOC_FAILURE) return -ENOMEM;
      return reason == SSL_R_UNEXPECTED_EOF_WHILE_READING ? 0 : -EPROTO;
  }
}

}  // namespace creche::platform
