// TlsTransport: TLS as a client over any transport: a socket, a proxy's tunnel, TLS.
#pragma once
#include <memory>
#include <string>

#include "core/loop.h"
#include "core/transport.h"
#include "platform/tls_session.h"

namespace creche {

class TlsTransport final : public Transport,
                           private Transport::Listener,
                           private platform::TlsLower {
 public:
  // Told once how the handshake has ended, never from inside StartHandshake: null, or
  // CRECHE_E_TLS_VERIFY, CRECHE_E_TLS, CRECHE_E_DISCONNECTED. The transport may be destroyed
  // inside.
  class HandshakeListener {
   public:
    virtual void OnHandshakeDone(ErrorRef error) noexcept = 0;

   protected:
    ~HandshakeListener() = default;
  };

  // lower: may have been used in clear, if nothing that comes after it was read.
  TlsTransport(Loop& loop, std::unique_ptr<Transport> lower);
  // With a close_notify if that is possible at once.
  ~TlsTransport() override;

  // host and port are those of the URL: see TlsSession::Open; resume and alpn, too. Null, or why it
  // cannot be started. Once, before Open.
  [[nodiscard]] ErrorRef StartHandshake(std::shared_ptr<platform::TlsContext> context,
                                        const std::string& host, uint16_t port, bool resume,
                                        HandshakeListener* listener,
                                        std::string_view alpn = {}) noexcept;

  // After the handshake.
  int Open(Transport::Listener* listener) noexcept override;
  IoResult Read(void* into, size_t capacity) noexcept override;
  IoResult Write(const iovec* parts, size_t count) noexcept override;
  void PauseReading() noexcept override;
  ErrorRef ResumeReading() noexcept override;
  bool IdleIsSound() noexcept override;
  ErrorRef Failure(Phase phase) const noexcept override;
  int failed_errno() const noexcept override { return errno_; }
  platform::Address Peer() const noexcept override { return lower_->Peer(); }
  platform::Address Local() const noexcept override { return lower_->Local(); }
  const platform::TlsSession* tls() const noexcept override { return session_.get(); }

 private:
  // The lower transport's.
  void OnReadable() noexcept override;
  void OnWritable() noexcept override;
  // The session's: bytes of records.
  ssize_t Receive(void* into, size_t capacity) noexcept override;
  ssize_t Send(const void* data, size_t size) noexcept override;
  bool IsQuiet() noexcept override { return lower_->IdleIsSound(); }

  static void OnWake(void* self) noexcept;
  void Handshake() noexcept;
  // Arranges for OnReadable if TLS holds bytes that nothing below will announce. False: no memory.
  bool WakeIfPending() noexcept;

  Loop& loop_;
  const std::unique_ptr<Transport> lower_;
  std::unique_ptr<platform::TlsSession> session_;  // goes before what it writes to
  Timer wake_;  // armed while there is something to tell that nothing below announces
  HandshakeListener* handshake_ = nullptr;  // while it is under way
  int errno_ = 0;                           // of a failure that is not the session's
  bool write_waits_ = false;                // not all of a Write went out
  bool read_wants_write_ = false;           // a Read must answer something first
};

}  // namespace creche
