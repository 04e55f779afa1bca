// TlsTransport: how OpenSSL reads and writes a socket of ours: without SIGPIPE, and without asking
// the system for what cannot be there. (OpenSSL's own transport for sockets calls write(2).)
#pragma once

struct bio_st;

namespace creche::platform {

struct TlsTransport {
  int fd;
  bool drained = false;  // the last receive was short: nothing is there until the socket says so
  bool ended = false;    // the peer has closed
  int failed = 0;        // errno of the last call that failed
};

// A BIO over `transport`, which must outlive it; null without memory.
bio_st* NewTransportBio(TlsTransport* transport) noexcept;

}  // namespace creche::platform
