// TlsConfig: what the TLS connections of a session share. Made at the first use, by a worker
// thread: reading the system's CAs takes some 80 ms of CPU. Loop's thread only.
#pragma once
#include <memory>

#include "core/result.h"
#include "core/worker_call.h"
#include "platform/tls.h"

namespace creche {

using TlsContextRef = std::shared_ptr<platform::TlsContext>;

// Fails because of the CA file, or without memory. Any thread; blocks.
Result<TlsContextRef> MakeTls(const platform::TlsOptions& options);

class TlsConfig {
 public:
  // Somebody who waits: derive from it. Destroying it cancels.
  class Waiter : private ListNode<Waiter> {
   public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

   protected:
    virtual ~Waiter() = default;
    // Once, from the loop. Everything may be destroyed inside, the source too.
    virtual void OnTls(const Result<TlsContextRef>& made) noexcept = 0;

   private:
    friend class TlsConfig;
    friend class List<Waiter>;
  };

  // made: null if it is to be made when it is needed.
  TlsConfig(Loop& loop, platform::TlsOptions options, TlsContextRef made);
  // Of what is made: any thread.
  explicit TlsConfig(TlsContextRef made);
  // Those who still wait are not called.
  ~TlsConfig();
  TlsConfig(const TlsConfig&) = delete;
  TlsConfig& operator=(const TlsConfig&) = delete;

  // What it was made of, if it was made of that; else null.
  TlsContextRef given() const { return loop_ ? nullptr : made_; }
  // The context, or a null one: then OnTls follows, unless the waiter is destroyed.
  Result<TlsContextRef> Get(Waiter* waiter);

 private:
  class Making;
  void Finish(Making* making) noexcept;

  Loop* const loop_;
  const platform::TlsOptions options_;
  TlsContextRef made_;
  Ref<Making> making_;
};

}  // namespace creche
