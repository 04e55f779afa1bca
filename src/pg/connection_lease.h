// ConnectionLease: what a creche_connection names: a connection of the pool in the hands of one
// user, until it is released, or its owner has ended. The handle may be released on any thread,
// while statements that were accepted before are still on their way to the loop: those are run
// first.
#pragma once
#include <atomic>
#include <vector>

#include "core/handles.h"
#include "pg/command/level.h"
#include "pg/failed_begins.h"
#include "pg/pool.h"
#include "tasks/operation.h"

namespace creche::pg {

class ConnectionLease final : public Object, public tasks::Lease {
 public:
  // Of an operation that has one: what happens to its connection. Loop's thread.
  class Watcher {
   public:
    // It was lost, and is given back already. The pool is in the middle of it.
    virtual void OnLeaseLost() noexcept = 0;
    // The server has said something to who listens.
    virtual void OnNotification(uint32_t process, std::string_view channel,
                                std::string_view payload) noexcept = 0;

   protected:
    ~Watcher() = default;
  };

  // Loop's thread. of_operation: it belongs to creche_pool_transaction; releasing the handle only
  // ends the handle. May throw bad_alloc.
  static Ref<ConnectionLease> Make(Ref<Pool> pool, Member* member, bool of_operation);

  // ---- Any thread ----
  Pool& pool() const noexcept { return *pool_; }
  Loop& loop() const noexcept { return pool_->loop(); }
  void Released() noexcept override;
  bool of_operation() const noexcept { return of_operation_.load(); }
  // Lease::MoveTo; kState for one that belongs to an operation.
  Status Move(uint64_t to) noexcept { return of_operation() ? Status::kState : MoveTo(loop(), to); }
  // It is closed when it is given back.
  void Expire() noexcept { expired_.store(true); }
  bool expired() const noexcept { return expired_.load(); }
  // An operation on it was made; it has been started, or destroyed without.
  // begin: see FailedBegins::Known, which it returns.
  uint32_t Accept(bool begin) noexcept {
    accepted_.fetch_add(1);
    return failed.Known(loop(), begin);
  }
  void Settle() noexcept {
    if (accepted_.fetch_sub(1) == 1 && released_.load()) end_job_.Submit(loop());
  }

  // ---- Loop's thread ----
  // Null once it was lost or given back.
  Connection* connection() const noexcept { return member_ ? &member_->connection() : nullptr; }
  // Why there is none.
  ErrorRef Gone(Phase phase = Phase::kQuery) const noexcept;
  void Lost() noexcept {
    member_ = nullptr;
    if (watcher) watcher->OnLeaseLost();
  }
  // Of what it will be lost.
  void set_why(const ErrorRef& why) noexcept { why_ = why; }
  // It was its operation's, and is a user's from now on.
  void HandOver() noexcept {
    of_operation_.store(false);
    if (member_) member_->set_holder(this, true);
  }
  // Gives the connection back. Idempotent.
  void End() noexcept;
  void GiveBack() noexcept override;
  const char* LeaseName() const noexcept override { return "connection"; }

  // A statement on it is about to be submitted, which knows so much (FailedBegins): what has failed
  // before is over.
  void UndoFailedBegins(uint32_t known) noexcept {
    if (known != 0) UndoKnown(known);
  }

  Watcher* watcher = nullptr;
  // The transactions that are open by creche_connection_begin, outermost first, once all that was
  // started has been done.
  std::vector<Ref<Level>> levels;
  // Begins of them that have failed. Also on other threads.
  FailedBegins failed;
  // A statement of the user's own may have ended the outermost of them.
  bool ended_by_hand = false;

 private:
  ConnectionLease(Ref<Pool> pool, Member* member, bool of_operation)
      : pool_(std::move(pool)), member_(member), of_operation_(of_operation) {}
  void EndIfUnused() noexcept;
  void UndoKnown(uint32_t known) noexcept;

  LoopJob<&ConnectionLease::EndIfUnused> end_job_{this};
  const Ref<Pool> pool_;
  Member* member_;
  ErrorRef why_;
  std::atomic<bool> of_operation_;
  std::atomic<bool> expired_{false};
  std::atomic<uint32_t> accepted_{0};
  std::atomic<bool> released_{false};
};

}  // namespace creche::pg
