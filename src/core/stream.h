// Stream: a connected byte stream on the loop, plain or TLS. Loop's thread only.
//
// It is made for the hot path of keep-alive connections: the read watch is set once and stays;
// bytes go straight from and to the caller's memory; a write is tried at once and the socket is
// watched for writing only while something is left. An exchange costs one send, one receive and one
// wait.
//
// Reading is level-triggered: OnReadable comes again and again while there is something to read, so
// call Read in it, or pause. One call of the listener at a time, from the loop, never from inside a
// call of a Stream's; the stream may be destroyed in any of them.
#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/loop.h"
#include "platform/reactor.h"
#include "platform/socket.h"
#include "platform/tls_session.h"

namespace creche {

enum class Io {
  kOk,         // size bytes were moved
  kLater,      // nothing now: wait for OnReadable or OnWritable
  kEnd,        // the peer has closed in order; nothing more comes
  kTruncated,  // TLS only: the connection ended without close_notify; something may be missing
  kFailed      // see Failure
};

struct IoResult {
  Io state;
  size_t size;  // also of a Write that has failed
};

class Stream {
 public:
  class Listener {
   public:
    // Bytes, the end or a failure can be had by Read.
    virtual void OnReadable() noexcept = 0;
    // After a Write that could not write everything: write the rest now.
    virtual void OnWritable() noexcept = 0;
    // The end of StartTls: null, or CRECHE_E_TLS_VERIFY, CRECHE_E_TLS, CRECHE_E_DISCONNECTED.
    virtual void OnHandshakeDone(ErrorRef error) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // socket: connected.
  Stream(Loop& loop, platform::Socket socket);
  // Closes it, with a close_notify if that is possible at once.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Starts to watch for reading. Returns 0 or an errno.
  [[nodiscard]] int Open(Listener* listener) noexcept;
  // Changes who is told: a connection passes from one exchange to the next.
  void set_listener(Listener* listener) noexcept { listener_ = listener; }

  // Starts the handshake as a client; OnHandshakeDone follows, and nothing else before it. host and
  // port are those of the URL: see TlsSession::Open. Null, or why it cannot be started. Also on a
  // stream that has been used in clear (behind a proxy's CONNECT), if nothing more was read than
  // the proxy's answer. Not while reading is paused. resume: see TlsSession::Open.
  [[nodiscard]] ErrorRef StartTls(std::shared_ptr<platform::TlsContext> context,
                                  const std::string& host, uint16_t port,
                                  bool resume = true) noexcept;

  // Reads into the caller's memory, up to `capacity` bytes (at least 1). kOk with less than
  // `capacity` means that there is no more now: do not call again before OnReadable.
  // The end and failures are said again and again, and OnReadable comes for them again and again:
  // close, or pause.
  IoResult Read(void* into, size_t capacity) noexcept;
  // Writes as much as possible of the parts, with one send if TLS does not need more. kOk with less
  // than everything, or kLater: OnWritable follows; then write the rest, the same bytes first.
  // kFailed: `size` bytes went out before, and a Read may still give what the peer had said.
  IoResult Write(const iovec* parts, size_t count) noexcept;
  IoResult Write(const void* data, size_t size) noexcept;

  // Back-pressure: between the two OnReadable does not come, and the peer's sends fill up.
  void PauseReading() noexcept;
  // Null, or CRECHE_E_NO_MEMORY.
  [[nodiscard]] ErrorRef ResumeReading() noexcept;
  bool reading() const noexcept { return reading_; }

  // For a connection that waits for its next use: true if it was not closed and nothing came that
  // nobody asked for (tickets of TLS are fine). To be asked before a reuse, and in OnReadable.
  bool IdleIsSound() noexcept;

  // Why Read or Write said kFailed (or what kEnd and kTruncated mean for an exchange that is not
  // finished): CRECHE_E_DISCONNECTED or CRECHE_E_TLS in that phase.
  ErrorRef Failure(Phase phase) const noexcept;

  // Null if it is not encrypted.
  const platform::TlsSession* tls() const noexcept;
  platform::Socket& socket() noexcept { return socket_; }

 private:
  struct Tls;
  static void OnReady(void* self, unsigned ready) noexcept;
  static void OnWake(void* self) noexcept;
  IoResult ReadTls(void* into, size_t capacity) noexcept;
  IoResult WriteTls(const iovec* parts, size_t count) noexcept;
  void Handshake() noexcept;
  // Watches for what is wanted now, and no more. Returns 0 or an errno.
  int Watch() noexcept;
  // Arranges for OnReadable if TLS holds bytes that the socket will not announce. False: no memory.
  bool WakeIfPending() noexcept;
  IoResult Fail(int failed, size_t moved = 0) noexcept;

  Loop& loop_;
  Listener* listener_ = nullptr;
  platform::Socket socket_;
  platform::Watch watch_;  // after the socket: stopped before it is closed
  std::unique_ptr<Tls> tls_;
  int errno_ = 0;          // of the last failure
  bool reading_ = false;   // not paused
  bool readable_ = false;  // there may be something: the last receive filled its memory, or none
                           // was made since the watch said so
  bool broken_ = false;    // reading has failed for good
  bool writing_ = false;   // something is left to be written
};

}  // namespace creche
