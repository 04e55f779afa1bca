#include "pg/pg_operation.h"

#include "pg/server_error.h"

namespace creche::pg {

void PgOperation::Start() noexcept {
  ConnectionLease* lease = place_.lease();
  if (lease) lease->Forget(place_.known());
  if (ErrorRef error = Prepare()) {
    if (Connection* connection = held(); connection && Matters()) connection->BreakBehind();
    place_.Settle();
    return Fail(std::move(error));
  }
  if (lease) {
    if (Connection* connection = lease->connection())
      OnConnection(connection);
    else
      Fail(lease->Gone());
    return place_.Settle();
  }
  if (place_.pool().closing() && closed_in_line()) return Fail(Pool::ClosedError(Phase::kLimit));
  waits_for_.store("connection", std::memory_order_relaxed);
  uint64_t hash;
  const bool shareable = Shareable(&hash);
  place_.pool().Wait(this, shareable, hash);
}

void PgOperation::Drop() noexcept {
  place_.lease()->Forget(place_.known());
  if (Connection* connection = held()) connection->BreakBehind();
  place_.Settle();
  Complete(tasks::Outcome::Cancelled(Phase::kNone));
}

void PgOperation::OnConnection(Connection* connection) noexcept {
  waits_for_.store("query", std::memory_order_relaxed);
  connection_ = connection;
  connection->Submit(this);
}

void PgOperation::OnRefused(const ErrorRef& why) noexcept {
  Fail(why);
}

void PgOperation::Cancel() noexcept {
  stopping_ = true;
  if (!connection_) {
    place_.pool().Leave(this);
    return Complete(tasks::Outcome::Cancelled(Phase::kPool));
  }
  if (Stop(nullptr)) Complete(tasks::Outcome::Cancelled(Phase::kQuery));
}

bool PgOperation::Stop(const Ref<Level>& level) noexcept {
  stopping_ = true;
  waits_for_.store("cancel", std::memory_order_relaxed);
  return connection_->CancelRequest(this, level);
}

void PgOperation::Break(const Reply& reply) noexcept {
  Connection* connection = held();
  // What the server has said itself has failed there, too.
  const bool theirs = reply.answered && reply.error && reply.error->status() == Status::kPg;
  if (connection && !theirs) connection->BreakFirst(reply.unsent);
}

void PgOperation::FinishCancelled(Phase phase, const Reply& reply) noexcept {
  Break(reply);
  Complete(tasks::Outcome::Cancelled(phase));
}

void PgOperation::OnReply(Reply reply) noexcept {
  Connection* connection = connection_;
  connection_ = nullptr;
  if (stopping_) {
    // What was done in spite of it is a result. A failure of its own is one, too.
    const bool missing = reply.partial && !reply.error;
    const bool cut = !reply.answered || missing || HasState(reply.error, "57014");
    if (cut) return FinishCancelled(Phase::kQuery, reply);
  } else if ((reply.undone || reply.unsent) && RunAgain(reply)) {
    if (reply.undone && HasState(reply.error, "57014")) place_.pool().count().resent.Add();
    if (place_.lease()) {
      connection_ = connection;
      return connection->Resubmit(this);
    }
    waits_for_.store("connection", std::memory_order_relaxed);
    return place_.pool().Wait(this, false, 0);
  }
  Finish(std::move(reply));
}

bool PgOperation::RunAgain(const Reply& reply) noexcept {
  if (!Repeatable() || place_.pool().closing() || tries_ >= kMaxTries) return false;
  if (ConnectionLease* lease = place_.lease()) {
    // Only if nothing was sent behind it: the order is the user's.
    Connection* connection = lease->connection();
    if (!reply.undone || !connection || connection->lost() || connection->in_flight() > 0)
      return false;
    if (connection->unwanted()) return false;  // nor is another one his
  }
  tries_++;
  BeginAgain();
  return true;
}

}  // namespace creche::pg
