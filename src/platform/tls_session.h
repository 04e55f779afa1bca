// TlsSession: one TLS connection over bytes that somebody else carries. One thread at a time.
#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "platform/fork.h"
#include "platform/tls.h"
#include "platform/tls_bio.h"
#include "platform/tls_chain.h"

struct ssl_st;
struct x509_store_ctx_st;

namespace creche::platform {

enum class TlsState {
  kDone,
  kWantRead,   // again when there is something to be received
  kWantWrite,  // again when something fits
  kEnd,        // the peer said close_notify: everything arrived
  kTruncated,  // the connection ended without it: something may be missing
  kFailed      // see failure()
};

struct TlsResult {
  TlsState state;
  size_t size;  // bytes moved, with kDone; those of a Write before it failed
};

class TlsSession {
 public:
  // lower: must outlive the session. host: a name (sent as SNI and checked)
  // or an IP address (checked), as in the URL. port: tells servers apart in the cache of sessions.
  // resume: offer a session that is kept of this server. alpn: the protocols to offer, each behind
  // its size, in place of the context's, if that offers any; "": the context's. Null with *failure
  // set.
  static std::unique_ptr<TlsSession> Open(std::shared_ptr<TlsContext> context, TlsLower* lower,
                                          const std::string& host, uint16_t port,
                                          TlsFailure* failure, bool resume = true,
                                          std::string_view alpn = {}) noexcept;
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // The next step of the handshake. kDone, kWantRead, kWantWrite or kFailed.
  TlsState Handshake() noexcept;
  // Reads up to `capacity` bytes, all that is there. Ends and failures are reported again and
  // again. A receive that was not filled is not repeated before LowerReadable.
  TlsResult Read(void* into, size_t capacity) noexcept;
  // Writes from the parts. Short or kWantWrite: call again with the rest, the same bytes first (a
  // record of them is under way already). After a failure there may still be something to read.
  TlsResult Write(const iovec* parts, size_t count) noexcept;
  // There is something to be received again.
  void LowerReadable() noexcept { bio_.drained = false; }
  // True if a Read may return something though nothing more may ever be received. To be
  // asked after Handshake and Read.
  bool pending() const noexcept { return pending_; }
  // True if the peer has sent nothing but tickets and the like, and has not closed. Looks at what
  // is there, and takes only those.
  bool Quiet() noexcept;
  // Tells the peer that nothing more comes, if that is possible without waiting.
  void SendCloseNotify() noexcept;

  const TlsFailure& failure() const noexcept { return failure_; }
  // A session was offered: if the handshake fails that may be why, and another connection without
  // it may do.
  bool offered() const noexcept { return offered_; }
  // That other one did: see TlsCache::Avoid.
  void AvoidResuming() const noexcept;
  // After the handshake; static texts.
  const char* version() const noexcept;
  const char* cipher() const noexcept;
  // Its number at IANA.
  uint16_t cipher_id() const noexcept;
  bool resumed() const noexcept;
  // What the peer has shown, its own first; null if it has shown none, or without memory.
  std::shared_ptr<const TlsChain> chain() const;
  std::string alpn() const;
  // Protocols were offered.
  bool asks_alpn() const noexcept { return context_->offers_alpn(); }

 private:
  friend class TlsContext;  // installs OnNewSession
  TlsSession(std::shared_ptr<TlsContext> context, TlsLower* lower, std::string server,
             std::string name)
      : context_(std::move(context)),
        bio_{.lower = lower},
        server_(std::move(server)),
        name_(std::move(name)) {}
  bool Prepare(bool resume, std::string_view alpn);
  // The process exits: OpenSSL may be no more.
  TlsState Exiting() noexcept;
  bool IsPinned() noexcept;
  // What it means that a call of OpenSSL did not succeed. Fills failure_ unless it only has to
  // wait.
  TlsState Sort(int returned) noexcept;
  void Describe(unsigned long error);
  static int OnNewSession(ssl_st* ssl, ssl_session_st* session);
  static int OnVerified(int good, x509_store_ctx_st* verifying);

  ExitHold exit_hold_;
  const std::shared_ptr<TlsContext> context_;
  TlsBio bio_;
  ssl_st* ssl_ = nullptr;
  const std::string server_;  // "host:port": for messages, and the key in the cache
  const std::string name_;    // that it must have a certificate for
  bool offered_ = false;
  bool ready_ = false;    // the handshake is done
  bool writing_ = false;  // a record is under way, or stuck
  bool pending_ = false;
  TlsState ended_ = TlsState::kDone;  // how reading has ended: kEnd, kTruncated, kFailed
  TlsFailure failure_;
};

}  // namespace creche::platform
