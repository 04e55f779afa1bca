// TlsBio: how OpenSSL reads and writes through a transport of ours: without SIGPIPE, and without
// asking for what cannot be there. (OpenSSL's own, for sockets, calls write(2).)
#pragma once
#include <sys/types.h>

#include <cstddef>

struct bio_st;

namespace creche::platform {

// What carries the records: a socket, a proxy's tunnel, TLS.
class TlsLower {
 public:
  // Bytes, 0 at the end, or -errno (-EAGAIN: nothing now).
  virtual ssize_t Receive(void* into, size_t capacity) noexcept = 0;
  // Bytes or -errno (-EAGAIN: nothing fits).
  virtual ssize_t Send(const void* data, size_t size) noexcept = 0;
  // True if there is nothing to be received, not even the end.
  virtual bool IsQuiet() noexcept = 0;

 protected:
  ~TlsLower() = default;
};

struct TlsBio {
  TlsLower* lower;
  bool drained = false;  // the last receive was short: nothing is there until the lower one says so
  bool ended = false;    // the peer has closed
  int failed = 0;        // errno of the last call that failed
};

// A BIO over `bio`, which must outlive it; null without memory.
bio_st* NewBio(TlsBio* bio) noexcept;

}  // namespace creche::platform
