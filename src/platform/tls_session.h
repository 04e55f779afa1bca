// TlsSession: one TLS connection over a socket that somebody else owns and watches. OpenSSL reads
// and writes the descriptor through a transport of our own (MSG_NOSIGNAL, no copy in between).
// One thread at a time.
#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "platform/tls.h"

struct ssl_st;

namespace creche::platform {

enum class TlsState {
  kDone,
  kWantRead,   // again when the socket is readable
  kWantWrite,  // again when the socket is writable
  kEnd,        // the peer said close_notify: everything arrived
  kTruncated,  // the connection ended without it: something may be missing
  kFailed      // see failure()
};

struct TlsResult {
  TlsState state;
  size_t size;  // bytes moved, with kDone
};

class TlsSession {
 public:
  // fd: connected, non-blocking; must outlive the session. host: a name (sent as SNI and checked)
  // or an IP address (checked), as in the URL. port: tells servers apart in the cache of sessions.
  // Null with *failure set.
  static std::unique_ptr<TlsSession> Open(std::shared_ptr<TlsContext> context, int fd,
                                          const std::string& host, uint16_t port,
                                          TlsFailure* failure) noexcept;
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // The next step of the handshake. kDone, kWantRead, kWantWrite or kFailed.
  TlsState Handshake() noexcept;
  // Reads up to `capacity` bytes, all that is there. Ends and failures are reported again and
  // again. A receive that was not filled is not repeated before SocketReadable.
  TlsResult Read(void* into, size_t capacity) noexcept;
  // Writes from the parts. Short or kWantWrite: call again with the rest, the same bytes first (a
  // record of them is under way already).
  TlsResult Write(const iovec* parts, size_t count) noexcept;
  // The socket was reported readable.
  void SocketReadable() noexcept { drained_ = false; }
  // True if a Read would return something though the socket may never become readable again.
  bool pending() const noexcept { return pending_; }
  // True if the peer has sent nothing but tickets and the like, and has not closed.
  bool Quiet() noexcept;
  // Tells the peer that nothing more comes, if that is possible without waiting.
  void SendCloseNotify() noexcept;

  const TlsFailure& failure() const noexcept { return failure_; }
  // After the handshake; static texts.
  const char* version() const noexcept;
  const char* cipher() const noexcept;
  bool resumed() const noexcept;
  std::string alpn() const;

 private:
  friend class TlsContext;
  friend struct TlsTransport;
  TlsSession(std::shared_ptr<TlsContext> context, int fd, std::string host, std::string server);
  // Sorts out what a call of OpenSSL returned; fills failure_ on kFailed.
  TlsState Sort(int returned, const char* doing) noexcept;
  void Fail(const char* doing) noexcept;

  std::shared_ptr<TlsContext> context_;
  ssl_st* ssl_ = nullptr;
  const int fd_;
  int socket_errno_ = 0;  // of the transport's last failure
  bool drained_ = false;  // the last receive was short: nothing there before SocketReadable
  bool eof_ = false;      // the transport has seen the end
  bool pending_ = false;
  bool ready_ = false;                // handshake done
  TlsState ended_ = TlsState::kDone;  // kEnd, kTruncated, kFailed: for good
  const std::string host_;
  const std::string server_;  // key in the cache
  TlsFailure failure_;
};

}  // namespace creche::platform
