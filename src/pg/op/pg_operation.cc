#include "pg/op/pg_operation.h"

#include <new>
#include <utility>

#include "pg/protocol/server_error.h"

namespace creche::pg {

void PgOperation::Start() noexcept {
  ConnectionLease* lease = on_.lease();
  if (lease) lease->UndoFailedBegins(on_.known());
  if (ErrorRef error = Prepare()) {
    if (Connection* connection = held(); connection && Matters()) connection->BreakBehind();
    on_.Settle();
    return Fail(std::move(error));
  }
  if (lease) {
    if (Connection* connection = lease->connection())
      Submit(connection);
    else
      Fail(lease->Gone());
    return on_.Settle();
  }
  if (on_.pool().closing() && closed_in_line()) return Fail(Pool::ClosedError(Phase::kLimit));
  waits_for_.store("connection", std::memory_order_relaxed);
  uint64_t hash;
  const bool shareable = Shareable(&hash);
  on_.pool().Wait(&checkout_, shareable, hash);
}

void PgOperation::Drop() noexcept {
  on_.lease()->UndoFailedBegins(on_.known());
  if (Connection* connection = held()) connection->BreakBehind();
  on_.Settle();
  Complete(tasks::Outcome::Cancelled(Phase::kNone));
}

void PgOperation::Submit(Connection* connection) noexcept {
  waits_for_.store("query", std::memory_order_relaxed);
  connection_ = connection;
  connection->Submit(&command());
}

void PgOperation::Cancel() noexcept {
  stopping_ = true;
  if (!connection_) {
    on_.pool().Leave(&checkout_);
    return Complete(tasks::Outcome::Cancelled(Phase::kPool));
  }
  if (!Stop(nullptr)) return;
  // What was to be asked is not sent. A transaction, though, is rolled back.
  if (introspects_ && !introspection_->inside()) return OnIntrospected();
  Complete(tasks::Outcome::Cancelled(Phase::kQuery));
}

bool PgOperation::Stop(const Ref<Level>& level) noexcept {
  stopping_ = true;
  waits_for_.store("cancel", std::memory_order_relaxed);
  if (introspects_) introspection_->GiveUp();
  Command& running = introspects_ ? introspection_->command() : command();
  return connection_->Cancel(&running, level);
}

void PgOperation::Break(const Ending& ending) noexcept {
  Connection* connection = held();
  // What the server has said itself has failed there, too.
  const bool theirs = ending.answered && ending.error && ending.error->status() == Status::kPg;
  if (connection && !theirs) connection->BreakFirst(ending);
}

void PgOperation::FinishCancelled(Phase phase, const Ending& ending) noexcept {
  Break(ending);
  Complete(tasks::Outcome::Cancelled(phase));
}

void PgOperation::OnEnd(Ending ending) noexcept {
  Connection* connection = connection_;
  connection_ = nullptr;
  if (stopping_) {
    // What was done in spite of it is a result. A failure of its own is one, too.
    const bool missing = ending.partial && !ending.error;
    const bool cut = !ending.answered || missing || HasState(ending.error, "57014");
    if (cut) return FinishCancelled(Phase::kQuery, ending);
  } else if ((ending.undone || ending.unsent) && RunAgain(ending)) {
    if (ending.undone && HasState(ending.error, "57014")) on_.pool().count().resent.Add();
    if (on_.lease()) {
      connection_ = connection;
      return connection->Resubmit(&command());
    }
    waits_for_.store("connection", std::memory_order_relaxed);
    return on_.pool().Wait(&checkout_, false, 0);
  }
  if (!stopping_ && AskAbout(connection, &ending)) return;
  if (ending.rows) SettleTypes(ending.rows->block());
  Finish(std::move(ending));
}

bool PgOperation::AskAbout(Connection* connection, Ending* ending) noexcept {
  if (!Introspection::Wanted(*ending, connection)) return false;
  Introspect(connection, std::move(*ending), command().statement(command().count() - 1));
  return true;
}

void PgOperation::Introspect(Connection* connection, Ending ending, const Statement& statement,
                             bool alone) noexcept {
  try {
    introspection_ = std::make_unique<Introspection>(static_cast<Introspection::Owner&>(*this),
                                                     *connection, statement, std::move(ending));
  } catch (const std::bad_alloc&) {
    SettleTypes(ending.rows->block());  // it is as it is
    return Understood(std::move(ending));
  }
  connection_ = connection;
  introspects_ = true;
  introspection_->Begin(alone);
}

void PgOperation::OnIntrospected() noexcept {
  connection_ = nullptr;
  introspects_ = false;
  Ending ending = introspection_->Take();
  if (stopping_ && ending.error) return FinishCancelled(Phase::kQuery, ending);
  Understood(std::move(ending));
}

bool PgOperation::RunAgain(const Ending& ending) noexcept {
  if (!Repeatable(ending) || on_.pool().closing() || tries_ >= kMaxTries) return false;
  if (ConnectionLease* lease = on_.lease()) {
    // Only if nothing was sent behind it: the order is the user's.
    Connection* connection = lease->connection();
    if (!ending.undone || !connection || connection->lost() || connection->in_flight() > 0)
      return false;
    if (connection->session().unwanted()) return false;  // nor is another one his
  }
  tries_++;
  BeginAgain();
  return true;
}

}  // namespace creche::pg
