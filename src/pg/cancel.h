// Cancel requests: a message to the server, on a connection of its own, that stops what one backend
// is running: whatever that is when it arrives. Who sends one must know what it may hit.
#pragma once
#include "core/loop.h"
#include "core/ref.h"

struct pg_conn;

namespace creche::pg {

class Cancel : public RefCounted {
 public:
  class Listener {
   public:
    // The server has signalled the backend, or the request failed: it hits nothing any more that
    // is sent from now on. Loop's thread.
    virtual void CancelDone() noexcept = 0;

   protected:
    ~Listener() = default;
  };
  // Sends one for the backend of `connection`. Null without memory. Loop's thread.
  static Ref<Cancel> Send(Loop& loop, pg_conn* connection, Listener* listener) noexcept;
  // CancelDone will not be called. A request that is still on its way may or may not get there: its
  // connection is gone, so that it has nothing more to hit. Loop's thread.
  virtual void Forget() noexcept = 0;
};

}  // namespace creche::pg
