// Pool: connections to one database, opened when needed, given to those who wait in the order of
// their coming. A statement that is known to be short may share a connection with others like it
// when there is none to spare (MayShare); everything else has one of its own.
#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/handles.h"
#include "core/loop_job.h"
#include "pg/checkout.h"
#include "pg/connect/libpq_connector.h"
#include "pg/counters.h"
#include "pg/member.h"
#include "pg/pool_calls.h"
#include "pg/shared.h"
#include "pg/sharing.h"
#include "pg/sql/text_cache.h"
#include "tasks/closing.h"

namespace creche::pg {

class ConnectionLease;

struct PoolOptions {
  bool prepare = true;
  bool pipeline = true;
  uint32_t initial_size = 0;
  uint32_t min_size = 0;
  uint32_t max_size = 10;
  uint32_t max_waiting = 0;  // 0: no limit
  uint32_t max_uses = 0;     // 0: no limit
  uint32_t statement_cache = 256;
  uint32_t pipeline_depth = 64;
  bool full_reset = true;
  Nanos connect_timeout = 30 * kSecond;
  Nanos acquire_timeout = 60 * kSecond;
  Nanos idle_timeout = 300 * kSecond;
  Nanos max_lifetime = 1800 * kSecond;
  Nanos statement_lifetime = 300 * kSecond;
  Nanos cancel_timeout = 5 * kSecond;
  Nanos command_timeout = kNever;  // of statements that have none of their own
  PoolCalls calls;
  std::string application_name;
  std::string init;    // what is run on each session; empty: nothing
  std::string setup;   // what is run before each use by one alone; empty: nothing
  uint64_t queue = 0;  // for the completion of its close
};

class Pool final : public Object,
                   public tasks::Resident,
                   private LibpqConnector::Listener,
                   private NoticeListener {
 public:
  // Any thread. dsn: null for the environment. kClosed if the loop is closing. May throw bad_alloc.
  static Status Open(Ref<Loop> loop, const char* dsn, const PoolOptions& options, Ref<Pool>* pool);

  // ---- Any thread ----
  Loop& loop() const noexcept { return *loop_; }
  bool closing() const noexcept { return closing_.load(); }
  const Counters& counters() const noexcept { return shared_.counters; }
  tasks::Closing& uses() noexcept { return uses_; }
  TextCache& texts() noexcept { return texts_; }
  Nanos command_timeout() const noexcept { return options_.command_timeout; }
  Nanos acquire_timeout() const noexcept { return options_.acquire_timeout; }
  Nanos connect_timeout() const noexcept { return options_.connect_timeout; }
  const PoolCalls& calls() const noexcept { return options_.calls; }
  // What is run before somebody gets a connection alone; null: nothing.
  const Statement* setup() const noexcept { return setup_.get(); }
  // args: the route of its completion. Fails if nobody could be told, as Closing::Tell. May throw
  // bad_alloc.
  Status Close(const tasks::StartArgs& args);
  void Released() noexcept override;
  // pool_control.cc. False if the pool is closed.
  bool Resize(uint32_t min_size, uint32_t max_size) noexcept;
  bool Expire() noexcept;
  // As it is, or is about to be.
  uint32_t min_size() const noexcept { return static_cast<uint32_t>(asked_.load() >> 32); }
  uint32_t max_size() const noexcept { return static_cast<uint32_t>(asked_.load()); }
  // Whether the loop has ended, so that the handle ends too.
  bool gone() const noexcept { return gone_.load(); }

  // ---- Loop's thread ----
  // Waits for a connection. May call back at once. shareable: it is one plain statement whose text
  // and types have this hash.
  void Wait(Checkout* checkout, bool shareable, uint64_t hash) noexcept;
  // Nobody wants it any more: takes it out of the line. False if it is not in there.
  bool Leave(Checkout* checkout) noexcept;
  // A lease gives its connection back, or holds it from now on.
  void Hold(Member* member, ConnectionLease* lease) noexcept;
  void Return(Member* member, bool maybe_transaction) noexcept;
  void CloseForLoop() noexcept override;
  Counters& count() noexcept { return shared_.counters; }
  Shared& shared() noexcept { return shared_; }
  // phase: where an operation was when the pool was closed.
  static ErrorRef ClosedError(Phase phase) noexcept;

 private:
  Pool(Ref<Loop> loop, const char* dsn, const PoolOptions& options);

  // pool_serve.cc: who gets which connection.
  void Serve() noexcept;
  // What the counters say of now.
  void Count() noexcept;
  void ServeOnce() noexcept;
  void TakeOut(Checkout* checkout) noexcept;
  // The same, for who is to be granted: how long he has waited is counted.
  void TakeFirst(Checkout* checkout) noexcept;
  Checkout* Oldest() const noexcept;
  Checkout* OldestSharing() noexcept;
  bool MayShare(const Checkout& checkout) noexcept;
  void Grant(Checkout* checkout, Member* member, bool shared) noexcept;
  // Who takes one more that may share; null: nobody.
  Member* PickShared() noexcept {
    return options_.pipeline ? sharing_.Pick(loop_->turn_time()) : nullptr;
  }
  void Reserve() noexcept;
  // It has nothing to do any more: it is idle from now on, if nothing is to be reset.
  void Rest(Member* member) noexcept;
  void BeginReset(Member* member, bool rollback, bool full) noexcept;
  // Runs a body of the user's on it; Return follows, or it is lost.
  void BeginStep(Member* member, Step step) noexcept;
  // The last one that became idle and is still of use; null: there is none.
  Member* TakeIdle() noexcept;
  size_t waiting() const noexcept { return alone_.size() + shareable_.size(); }
  size_t size() const noexcept { return members_.size() + connectors_.size(); }
  // No further connection may be opened.
  bool full() const noexcept { return size() >= max_; }
  // So many are open in any case.
  size_t floor() const noexcept {
    return std::max(min_, filled_ ? 0 : std::min<size_t>(options_.initial_size, max_));
  }
  // On their way to somebody's first use.
  size_t opening() const noexcept { return connectors_.size() + starting_; }

  // pool_grow.cc: opening connections.
  void Grow() noexcept;
  void OnConnected(LibpqConnector* connector, std::unique_ptr<Endpoint> endpoint) noexcept override;
  void OnConnectFailed(LibpqConnector* connector, ErrorRef error) noexcept override;
  std::shared_ptr<void> OnAsking() override;
  // An attempt to connect has ended without a connection: there is another one later.
  void Failed(const ErrorRef& why) noexcept;
  void CountFailure(const ErrorRef& why) noexcept;
  // It can be used, or `init` has failed on it.
  void OnStarted(Member* member) noexcept;
  void OnStartFailed(const ErrorRef& why) noexcept;
  // Destroyed when nobody can be inside it any more.
  void Retire(LibpqConnector* connector) noexcept;

  // pool.cc: their life, and the pool's own.
  friend class Member;  // these two
  void OnProgress(Member* member) noexcept;
  void OnLost(Member* member, const ErrorRef& why) noexcept;
  // Closes it when nobody can be inside it any more.
  void Retire(Member* member) noexcept;
  void DestroyRetired() noexcept;
  // What servers have said is told by a job: the user may do anything then.
  void OnNotice(const ServerFields& fields) noexcept override;
  void TellNotices() noexcept;
  void RefuseAll(const ErrorRef& why) noexcept;
  void BeginClose() noexcept;
  void MaybeClosed() noexcept;

  // pool_control.cc: what was asked for is done before the next one is given a connection.
  void Change() noexcept;
  void Apply() noexcept;
  void ApplySize() noexcept;
  // What is moved between the lists later must not fail half-way. May throw bad_alloc.
  void MakeRoom(size_t size);
  void ExpireAll() noexcept;
  // Its time is over, and it has nothing to do.
  void Discard(Member* member) noexcept;

  // pool_time.cc
  static void OnTimer(void* self) noexcept;
  void EndWhatIsOver(Nanos now) noexcept;
  ErrorRef AcquireTimeout() const noexcept;
  void ArmTimer() noexcept;
  void ArmAgain() noexcept;
  Nanos ExpiryOfNext() noexcept;

  const Ref<Loop> loop_;
  const std::shared_ptr<const std::string> dsn_;
  const PoolOptions options_;
  const ResetStatements reset_statements_;
  const std::unique_ptr<const Statement> init_;   // null: nothing
  const std::unique_ptr<const Statement> setup_;  // null: nothing
  Shared shared_;
  TextCache texts_;
  std::atomic<bool> closing_{false};
  std::atomic<bool> close_asked_{false};
  std::atomic<bool> gone_{false};
  std::atomic<uint64_t> asked_;  // min_size and max_size, as one
  std::atomic<bool> expire_asked_{false};
  std::atomic<uint32_t> changes_{0};  // asked for
  tasks::Closing uses_;
  LoopJob<&Pool::BeginClose> close_job_{this};
  LoopJob<&Pool::Serve> serve_job_{this};
  LoopJob<&Pool::DestroyRetired> destroy_job_{this};
  LoopJob<&Pool::ArmAgain> arm_job_{this};
  LoopJob<&Pool::TellNotices> notices_job_{this};
  LoopJob<&Pool::Change> change_job_{this};

  // Loop's thread.
  Ref<Pool> self_;  // while it is registered with the loop
  Timer timer_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<Member*> idle_;  // the longest idle first; used from the end
  Sharing sharing_;
  std::unique_ptr<Resolver> resolver_;
  KnownAddresses known_addresses_;
  std::vector<std::unique_ptr<LibpqConnector>> connectors_;
  std::vector<std::unique_ptr<Member>> retired_;
  std::vector<std::unique_ptr<LibpqConnector>> retired_connectors_;
  CheckoutLine alone_;      // want a connection of their own
  CheckoutLine shareable_;  // would share one
  uint32_t changed_ = 0;    // of changes_
  size_t min_ = 0;
  size_t max_ = 0;
  size_t starting_ = 0;  // members on which `init` runs for the first time
  uint64_t next_ticket_ = 1;
  size_t leased_ = 0;
  uint32_t lifetimes_ = 0;  // handed out
  uint32_t failures_ = 0;   // of connecting, in a row
  Nanos connect_at_ = 0;    // not before
  Nanos timer_at_ = kNever;
  Nanos expires_at_ = kNever;  // of all members, the next one or earlier
  ErrorRef connect_error_;
  std::vector<ErrorRef> notices_;  // not told yet
  bool filled_ = false;            // initial_size was reached
  bool serving_ = false;
  bool serve_again_ = false;
  bool reserving_ = false;
  bool closed_ = false;
  bool for_loop_ = false;
  bool begun_close_ = false;
};

}  // namespace creche::pg
