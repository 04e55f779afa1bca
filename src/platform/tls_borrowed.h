// BorrowedTls: reads and writes a TLS connection that somebody else (libpq) has opened and will
// end. Between the two its owner does nothing with it. One thread at a time.
#pragma once
#include <sys/types.h>

#include <cstddef>

struct ssl_st;

namespace creche::platform {

// What a handshake's owner could read now of what comes after it, without taking it: bytes, or 0 if
// there is nothing. ssl: an SSL*.
size_t PeekTls(void* ssl, void* into, size_t capacity) noexcept;

class BorrowedTls {
 public:
  BorrowedTls() = default;
  // ssl: an SSL* after its handshake, over a non-blocking socket; or null: not encrypted. Changes
  // how it reads and writes: ahead, and by parts.
  explicit BorrowedTls(void* ssl) noexcept;
  explicit operator bool() const noexcept { return ssl_ != nullptr; }

  // Reads what is there, over several records. Bytes, 0 at the end, or -errno (-EAGAIN: nothing
  // now; -ENOMEM; -EPROTO: TLS has failed). Ends and failures are said again and again.
  ssize_t Read(void* into, size_t capacity) noexcept;
  // Bytes or -errno (-EAGAIN: nothing fits). Call again with the rest, the same bytes first, and at
  // least as many.
  ssize_t Write(const void* data, size_t size) noexcept;
  // True if a Read may return something though the socket may never become readable again.
  bool pending() const noexcept { return pending_; }
  // True if reading waits for the socket to become writable (the keys are being changed).
  bool read_wants_write() const noexcept { return read_wants_write_; }

 private:
  // What a call that did not succeed means, as above.
  ssize_t Sort(int returned, bool* wants_write) noexcept;
  ssl_st* ssl_ = nullptr;
  ssize_t ended_ = 1;  // 1: not yet
  bool pending_ = false;
  bool read_wants_write_ = false;
};

}  // namespace creche::platform
