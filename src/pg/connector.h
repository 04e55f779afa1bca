// Connector: makes one connection: resolves, tries each host in turn with a time limit of its own,
// drives the handshake. What blocks runs on a worker thread. Loop's thread.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/loop.h"
#include "pg/conninfo.h"
#include "pg/role.h"
#include "platform/reactor.h"

struct pg_conn;

namespace creche::pg {

class Connector {
 public:
  // Told once, never from inside Start; may destroy the connector.
  class Listener {
   public:
    // Non-blocking, idle, not encrypted by GSS; the listener's from now on.
    virtual void OnConnected(Connector* connector, pg_conn* connection) noexcept = 0;
    virtual void OnConnectFailed(Connector* connector, ErrorRef error) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // dsn: null for the environment. timeout: for all of it.
  Connector(Loop& loop, Listener& listener, std::shared_ptr<const std::string> dsn,
            std::string application_name, Nanos timeout);
  // Gives up; nobody is called.
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // False without memory: nothing was started.
  [[nodiscard]] bool Start() noexcept;
  // What the server that was connected to had to be like (target_session_attrs).
  Role role() const noexcept { return RoleOf(tries_[next_try_ - 1].session_attrs); }

 private:
  class Reading;    // the errand that reads the DSN
  class Beginning;  // the errand that begins with one host
  struct Try {
    size_t target;
    const char* session_attrs;
  };

  static void OnReady(void* self, unsigned ready) noexcept;
  static void OnTimer(void* self) noexcept;
  void OnRead(Result<Conninfo> info) noexcept;
  void OnBegun(Result<pg_conn*> begun) noexcept;
  // Begins with the next host, or fails.
  void Next(ErrorRef why) noexcept;
  void Poll() noexcept;
  void Drop() noexcept;
  void Finish() noexcept;
  ErrorRef Failure() const noexcept;
  Phase PhaseNow() const noexcept;

  Loop& loop_;
  Listener& listener_;
  const std::shared_ptr<const std::string> dsn_;
  const std::string application_name_;
  const Nanos deadline_;
  Timer timer_;
  platform::Watch watch_;
  Ref<Reading> reading_;
  Ref<Beginning> beginning_;
  std::shared_ptr<const Conninfo> info_;
  std::vector<Try> tries_;
  size_t next_try_ = 0;
  pg_conn* connection_ = nullptr;
  Phase phase_ = Phase::kOptions;
  ErrorRef error_;  // of the host before
};

}  // namespace creche::pg
