// PgOperation: what operations of one command share: a connection of the pool's choice, or a leased
// one; what it waits for; running it again; cancelling it. Derive from it and give it the command.
#pragma once
#include <atomic>
#include <memory>

#include "core/blocks.h"
#include "pg/checkout.h"
#include "pg/command/run_of.h"
#include "pg/op/connectable.h"
#include "pg/op/introspection.h"
#include "tasks/operation.h"

namespace creche::pg {

class PgOperation : public tasks::Operation, public FromBlocks, private Introspection::Owner {
 public:
  void Start() noexcept override;
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override {
    return waits_for_.load(std::memory_order_relaxed);
  }
  bool PassesLimit() const noexcept override { return on_.lease() != nullptr; }
  bool KeepsOrder() const noexcept override { return on_.lease() != nullptr; }
  void Drop() noexcept override;
  const tasks::Resident* Of() const noexcept override { return &on_.pool(); }
  // Its command has ended.
  void OnEnd(Ending ending) noexcept;

 protected:
  explicit PgOperation(Connectable on) : on_(std::move(on)) {}
  // What it runs: one and the same.
  virtual Command& command() noexcept = 0;
  // Why it cannot be run at all, or null; the command gets what to run. Called by Start.
  virtual ErrorRef Prepare() noexcept = 0;
  // It ended, and was not cancelled. Completes.
  virtual void Finish(Ending ending) noexcept = 0;
  // False if a transaction is as good as before when this cannot be run at all.
  virtual bool Matters() const noexcept { return true; }
  // It was cancelled, and there is no result.
  virtual void FinishCancelled(Phase phase, const Ending& ending) noexcept;
  // Its result is understood, as far as it can be: Finish, if nothing else is to follow.
  virtual void Understood(Ending ending) noexcept { Finish(std::move(ending)); }
  // Has it understood first: Understood follows. statement: whose result it is; outlives it. alone:
  // nothing is to overtake what follows.
  void Introspect(Connection* connection, Ending ending, const Statement& statement,
                  bool alone = false) noexcept;
  // It has ended, and was not cancelled: true if something of its results has to be asked of the
  // server first, by Introspect.
  virtual bool AskAbout(Connection* connection, Ending* ending) noexcept;
  // True if it may be sent a second time when the server has not executed it, or nothing of it is
  // left: it ended so.
  virtual bool Repeatable(const Ending& /*ending*/) const noexcept { return true; }
  // It is about to be sent again: forgets what has come.
  virtual void BeginAgain() noexcept {}
  // True, with the statement's hash, if it may share a connection.
  virtual bool Shareable(uint64_t* hash) const noexcept {
    *hash = 0;
    return false;
  }
  virtual void Fail(ErrorRef error) noexcept { Complete(tasks::Outcome::Failed(std::move(error))); }
  // On a held connection a failure that the server does not know of is told to it: the transaction,
  // if there is one, is not to be committed as if nothing had happened.
  void Break(const Ending& ending) noexcept;
  Connection* held() const noexcept { return on_.held(); }
  // Asked to stop.
  bool stopping() const noexcept { return stopping_; }
  // That the command was submitted to, until it ends.
  Connection* connection() const noexcept { return connection_; }
  // Puts the command in front of all that waits there.
  void Follow(Connection* connection) noexcept {
    connection_ = connection;
    connection->Resubmit(&command());
  }
  // Asks for it, once it was submitted: Connection::Cancel.
  bool Stop(const Ref<Level>& level) noexcept;

  Connectable on_;

 private:
  void Submit(Connection* connection) noexcept;
  void OnGranted(Member* member) noexcept { Submit(&member->connection()); }
  void OnRefused(const ErrorRef& why) noexcept { Fail(why); }
  bool RunAgain(const Ending& ending) noexcept;
  void OnIntrospected() noexcept override;

  // How often one statement is sent at the most.
  static constexpr int kMaxTries = 10;
  CheckoutOf<&PgOperation::OnGranted, &PgOperation::OnRefused> checkout_{this};
  Connection* connection_ = nullptr;
  std::unique_ptr<Introspection> introspection_;  // of its result, which is there
  std::atomic<const char*> waits_for_{""};
  int tries_ = 1;
  bool stopping_ = false;
  bool introspects_ = false;
};

}  // namespace creche::pg
