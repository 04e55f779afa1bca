// SocketTransport: a connected socket.
//
// It is made for the hot path of keep-alive connections: the read watch is set once and stays;
// bytes go straight from and to the caller's memory; a write is tried at once and the socket is
// watched for writing only while something is left. An exchange costs one send, one receive and one
// wait.
#pragma once
#include "core/loop.h"
#include "core/transport.h"
#include "platform/reactor.h"
#include "platform/socket.h"

namespace creche {

class SocketTransport final : public Transport {
 public:
  // socket: connected.
  SocketTransport(Loop& loop, platform::Socket socket);
  ~SocketTransport() override;

  int Open(Listener* listener) noexcept override;
  IoResult Read(void* into, size_t capacity) noexcept override;
  IoResult Write(const iovec* parts, size_t count) noexcept override;
  void PauseReading() noexcept override;
  ErrorRef ResumeReading() noexcept override;
  bool IdleIsSound() noexcept override;
  ErrorRef Failure(Phase phase) const noexcept override;
  int failed_errno() const noexcept override { return errno_; }
  platform::Address Peer() const noexcept override { return socket_.Peer(); }
  platform::Address Local() const noexcept override { return socket_.Local(); }

 private:
  static void OnReady(void* self, unsigned ready) noexcept;
  // Watches for what is wanted now, and no more. Returns 0 or an errno.
  int Watch() noexcept;

  Loop& loop_;
  platform::Socket socket_;
  platform::Watch watch_;  // after the socket: stopped before it is closed
  int errno_ = 0;          // of the last failure
  bool readable_ = false;  // there may be something: the last receive filled its memory, or none
                           // was made since the watch said so
  bool broken_ = false;    // reading has failed for good
  bool writing_ = false;   // something is left to be written
};

}  // namespace creche
