// Session: what a creche_session names: settings, counters, and, until it is closed, the client
// that does the work on the loop.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "core/handles.h"
#include "core/result.h"
#include "http/client.h"
#include "platform/lock.h"
#include "tasks/operation.h"

namespace creche::http {

class Session final : public Object, public tasks::Resident {
 public:
  // Any thread. Fails with kSystem or kTls (the CA file), kClosed (the loop), kNoMemory.
  static Result<Ref<Session>> Open(Ref<Loop> loop, SessionSettings settings);

  // Any thread.
  Loop& loop() const { return *loop_; }
  const SessionSettings& settings() const { return settings_; }
  const Counters& counters() const { return counters_; }
  bool closing() const { return closing_.load(); }
  // done: null for nobody. kOk, kNoMemory.
  Status Close(tasks::DoneFn done, void* user);
  void Released() noexcept override;
  // What TLS connections share. Made at the first use, because reading the system's CAs takes
  // milliseconds: best before the loop needs it.
  Result<std::shared_ptr<platform::TlsContext>> Tls();

  // Loop's thread. Null once closed.
  Client* client() const { return client_.get(); }
  void CloseForLoop() noexcept override { CloseHere(); }

 private:
  struct CloseJob : Job {
    using Job::Job;
    Session* session = nullptr;
  };
  struct Listener {
    tasks::DoneFn done;
    void* user;
  };
  Session(Ref<Loop> loop, SessionSettings settings);
  void CloseHere() noexcept;

  const Ref<Loop> loop_;
  const SessionSettings settings_;
  Counters counters_;
  std::unique_ptr<Client> client_;
  Ref<Session> self_;  // while it is the loop's resident
  CloseJob close_;
  std::atomic<bool> closing_{false};

  platform::Lock lock_;  // guards the rest
  bool closed_ = false;
  std::vector<Listener> listeners_;
  std::shared_ptr<platform::TlsContext> tls_;
};

}  // namespace creche::http
