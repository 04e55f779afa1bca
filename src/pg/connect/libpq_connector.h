// LibpqConnector: makes one connection: resolves, tries each address of each host in turn with a
// time limit of its own, drives the handshake. What blocks runs on worker threads. Loop's thread.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/loop.h"
#include "core/resolver.h"
#include "pg/connect/conninfo.h"
#include "pg/connect/password.h"
#include "pg/connect/role.h"
#include "pg/wire/endpoint.h"
#include "platform/fork.h"
#include "platform/reactor.h"

struct pg_conn;

namespace creche::pg {

// The addresses that connections were made to last, of a pool: tried first, since the one in front
// of them may be a black hole.
struct KnownAddresses {
  struct Known {
    std::string host;
    std::string address;
  };
  std::vector<Known> all;
  // Without memory it is forgotten.
  void Keep(const std::string& host, const std::string& address) noexcept;
};

class LibpqConnector final : private Resolver::Query {
 public:
  // Told once, never from inside Start; may destroy the connector.
  class Listener {
   public:
    virtual void OnConnected(LibpqConnector* connector,
                             std::unique_ptr<Endpoint> endpoint) noexcept = 0;
    virtual void OnConnectFailed(LibpqConnector* connector, ErrorRef error) noexcept = 0;
    // A function of the user's is to be called elsewhere, maybe for longer than the connector
    // lives: as long as what is returned is there, he is not told of the pool's end. May throw
    // bad_alloc.
    virtual std::shared_ptr<void> OnAsking() = 0;

   protected:
    ~Listener() = default;
  };
  // What the connectors of a pool share; it outlives them.
  struct Shared {
    Resolver& resolver;
    KnownAddresses& known;
    const PoolCalls& calls;
  };

  // dsn: null for the environment. timeout: for all of it.
  LibpqConnector(Loop& loop, const Shared& shared, Listener& listener,
                 std::shared_ptr<const std::string> dsn, std::string application_name,
                 Nanos timeout);
  // Gives up; nobody is called.
  ~LibpqConnector();
  LibpqConnector(const LibpqConnector&) = delete;
  LibpqConnector& operator=(const LibpqConnector&) = delete;

  // Null, or why nothing was started: no memory, no thread.
  [[nodiscard]] ErrorRef Start() noexcept;
  // When it was made.
  Nanos began() const noexcept { return began_; }
  // What the server that was connected to had to be like (target_session_attrs).
  Role role() const noexcept { return RoleOf(tries_[next_try_ - 1].session_attrs); }

 private:
  class Reading;    // the call that reads the DSN
  class Asking;     // the call that asks for a password
  class Beginning;  // the call that begins with one address
  class Polling;    // the call that takes a step of the handshake
  // One address to try, or a host of which the addresses are not known yet.
  struct Try {
    size_t target;
    const char* session_attrs;
    std::string address;  // empty: the target's own
    bool resolved = false;
  };

  static void OnReady(void* self, unsigned ready) noexcept;
  static void OnTimer(void* self) noexcept;
  static void OnLookAgain(void* self) noexcept;
  void OnRead(Result<Conninfo> info) noexcept;
  void OnResolved(Result<Addresses> answer) noexcept override;
  // Poll comes when the connection is ready.
  void Watch(unsigned interest) noexcept;
  void OnAsked(Result<Password> password) noexcept;
  void OnBegun(Result<pg_conn*> begun) noexcept;
  void OnPolled(pg_conn* connection, int polled) noexcept;
  // Goes on with the next address, or fails. final: no other host would say anything else.
  void Next(ErrorRef why, bool final = false) noexcept;
  void TryNext() noexcept;
  // Asks for the password, if there is somebody to ask, and begins. refused: once more.
  void Ask(bool refused) noexcept;
  void Begin() noexcept;
  // Takes a step of the handshake, here or elsewhere.
  void Poll() noexcept;
  void PollHere() noexcept;
  void PollAway() noexcept;
  void Finish() noexcept;
  void Drop() noexcept;
  void Fail(ErrorRef error) noexcept;
  // connect_failure.cc: what is said.
  std::string TargetText() const;
  bool MayAskAgain(const ErrorRef& failure) const noexcept;
  bool IsFinal(const ErrorRef& failure) const noexcept;
  // Whether the first failure is that of an attempt that got at least as far as the second's: a
  // server that will not do tells more than an address at which nobody is.
  static bool GotFurther(const ErrorRef& failure, const ErrorRef& other) noexcept;
  ErrorRef Failure() const noexcept;
  ErrorRef TimeoutError() const noexcept;
  ErrorRef DnsError(const ErrorRef& why) const noexcept;
  ErrorRef Unwatched(int why) const noexcept;
  ErrorRef RefusedStep(bool too_long, uint64_t iterations) const noexcept;
  Phase PhaseNow() const noexcept;

  Loop& loop_;
  const Shared shared_;
  Listener& listener_;
  const std::shared_ptr<const std::string> dsn_;
  const std::string application_name_;
  const Nanos began_;
  const Nanos deadline_;
  Timer timer_;
  Timer look_again_;
  platform::Watch watch_;
  platform::ExitHold exit_hold_;
  Ref<Reading> reading_;
  Ref<Asking> asking_;
  Ref<Beginning> beginning_;
  Ref<Polling> polling_;  // has the connection meanwhile
  std::shared_ptr<const Conninfo> info_;
  std::vector<Try> tries_;
  size_t next_try_ = 0;  // the one under way is before it
  pg_conn* connection_ = nullptr;
  Nanos try_until_ = kNever;  // the time of the address under way
  Password password_;         // for it; null: what the DSN says
  bool asked_again_ = false;  // for it, as the first one was refused
  bool settled_ = false;      // the rest of its handshake is quick
  Nanos patience_ = 0;
  Phase phase_ = Phase::kOptions;
  ErrorRef error_;     // of the address before
  ErrorRef furthest_;  // of the one that got furthest, the last of equals: what is told in the end
};

}  // namespace creche::pg
