// Transport: the bytes of one connection, in order, on the loop: a socket, TLS over any transport,
// memory in tests. Loop's thread only.
//
// Reading is level-triggered: OnReadable comes again and again while there is something to read, so
// call Read in it, or pause. One call of the listener at a time, from the loop, never from inside a
// call of a transport's; the transport may be destroyed in any of them.
#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <utility>

#include "core/error.h"
#include "platform/address.h"

namespace creche {

namespace platform {
class TlsSession;
}

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

class Transport {
 public:
  class Listener {
   public:
    // Bytes, the end or a failure can be had by Read.
    virtual void OnReadable() noexcept = 0;
    // After a Write that could not write everything: write the rest now.
    virtual void OnWritable() noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // What it stands on, to go after it.
  struct Below {
    virtual ~Below() = default;
  };

  // Closes the connection, in order if that is possible at once.
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Starts to read, or goes on for another listener: until then nobody is told anything, and
  // nothing may be written. Returns 0 or an errno.
  [[nodiscard]] virtual int Open(Listener* listener) noexcept = 0;
  // Changes who is told.
  void set_listener(Listener* listener) noexcept { listener_ = listener; }

  void set_below(std::unique_ptr<Below> below) noexcept { below_ = std::move(below); }

  // Reads into the caller's memory, up to `capacity` bytes (at least 1). kOk with less than
  // `capacity` means that there is no more now: do not call again before OnReadable.
  // The end and failures are said again and again, and OnReadable comes for them again and again:
  // close, or pause.
  virtual IoResult Read(void* into, size_t capacity) noexcept = 0;
  // Writes as much as possible of the parts, a socket with one send. kOk with less than everything,
  // or kLater: OnWritable follows; then write the rest, the same bytes first.
  // kFailed: `size` bytes went out before, and a Read may still give what the peer had said.
  virtual IoResult Write(const iovec* parts, size_t count) noexcept = 0;

  // Back-pressure: between the two OnReadable does not come, and the peer's sends fill up.
  virtual void PauseReading() noexcept = 0;
  // Null, or CRECHE_E_SYSTEM or CRECHE_E_NO_MEMORY: it cannot be watched.
  [[nodiscard]] virtual ErrorRef ResumeReading() noexcept = 0;
  bool reading() const noexcept { return reading_; }

  // For a connection that waits for its next use: true if it was not closed and nothing came that
  // nobody asked for (tickets of TLS are fine). To be asked before a reuse, and in OnReadable.
  virtual bool IdleIsSound() noexcept = 0;

  // Why Read or Write said kFailed (or what kEnd and kTruncated mean for an exchange that is not
  // finished): CRECHE_E_DISCONNECTED or CRECHE_E_TLS in that phase.
  virtual ErrorRef Failure(Phase phase) const noexcept = 0;
  // The errno of it; 0 if it has none.
  virtual int failed_errno() const noexcept = 0;

  // The other end of the socket below; AF_UNSPEC if there is none.
  virtual platform::Address Peer() const noexcept { return {}; }
  // This end of it, the same way.
  virtual platform::Address Local() const noexcept { return {}; }
  // Null if it is not encrypted.
  virtual const platform::TlsSession* tls() const noexcept { return nullptr; }

 protected:
  Transport() = default;

  Listener* listener_ = nullptr;
  bool reading_ = false;  // open, and not paused

 private:
  std::unique_ptr<Below> below_;  // or null
};

}  // namespace creche
