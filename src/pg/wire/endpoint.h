// Endpoint: the other end of a connection once the handshake is over: its socket, and what only who
// has opened it knows or can do. Destroying it says farewell and closes. Loop's thread.
#pragma once
#include "core/loop.h"
#include "core/ref.h"
#include "pg/cancel.h"

namespace creche::pg {

class Endpoint {
 public:
  virtual ~Endpoint() = default;
  // Of the connected, non-blocking socket.
  virtual int fd() const noexcept = 0;
  // Its SSL* after the handshake; null: not encrypted.
  virtual void* ssl() const noexcept = 0;
  // The server's process that the handshake has named; 0: none.
  virtual int process() const noexcept = 0;
  // What a ParameterStatus of the handshake has said; null: nothing.
  virtual const char* parameter(const char* name) const noexcept = 0;
  // Cancels what that process is running. Null without memory.
  virtual Ref<Cancel> SendCancel(Loop& loop, Cancel::Listener* listener) noexcept = 0;
};

}  // namespace creche::pg
