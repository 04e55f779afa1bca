#include "pg/connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "pg/command/abort_transaction.h"
#include "pg/encoder.h"
#include "pg/protocol/server_error.h"
#include "platform/peer.h"

namespace creche::pg {

namespace {
Ending TooMany() noexcept {
  return {.error = MakeError(Status::kInternal, Phase::kQuery,
                             "more statements than one command may have: report this", kUnsent),
          .unsent = true};
}
}  // namespace

Connection::Connection(Loop& loop, Owner& owner, std::unique_ptr<Endpoint> endpoint,
                       const Settings& settings, Shared& shared)
    : loop_(loop),
      owner_(owner),
      endpoint_(std::move(endpoint)),
      shared_(shared),
      session_(*endpoint_, settings.session),
      wire_(loop, *this, *endpoint_, shared.space),
      pipeline_(settings.depth),
      canceller_(loop, *this, *endpoint_, wire_, pipeline_, shared, settings.cancel_timeout),
      answers_(*this, *endpoint_, session_, shared, pipeline_) {}

void Connection::MeetServer(int64_t started, uint32_t database) {
  session_.catalog = shared_.catalogs.Of({platform::PeerOf(endpoint_->fd()), started, database});
  session_.catalog->Age(loop_.turn_time(), session_.statement_lifetime);
}

// ---- The queue, and sending ----

void Connection::Submit(Command* command) noexcept {
  // Whoever holds it may have let it rest for long. (What the pool gives out, it has probed.)
  const bool probed = std::exchange(probed_, false);
  if (held_ && !probed && idle()) wire_.Probe();
  if (ErrorRef over = Over()) return command->OnEnd({.error = std::move(over), .unsent = true});
  command->returns_ = 0;
  if (queued_ == 0 && MaySend(*command, 1)) return Send(command);
  Enqueue(command, nullptr);
  Advance();
}

void Connection::Resubmit(Command* command) noexcept {
  if (ErrorRef over = Over()) return command->OnEnd({.error = std::move(over), .unsent = true});
  Enqueue(command, queue_.first());
  Advance();
}

bool Connection::Probe() noexcept {
  wire_.Probe();
  probed_ = true;
  return !lost_;
}

void Connection::Enqueue(Command* command, Command* before) noexcept {
  if (before)
    queue_.InsertBefore(before, command);
  else
    queue_.PushBack(command);
  queued_++;
}

void Connection::Dequeue(Command* command) noexcept {
  queue_.Remove(command);
  queued_--;
}

void Connection::EndQueued(const ErrorRef& why) noexcept {
  while (Command* command = queue_.first()) {
    Dequeue(command);
    command->OnEnd({.error = why, .unsent = true});
  }
}

bool Connection::MaySend(const Command& command, size_t waiting) noexcept {
  return !lost_ && !frozen() && !pipeline_.full() && !HoldsBack(waiting) &&
         pipeline_.MayFollow(command, shared_use_, shared_.history);
}

void Connection::Advance() noexcept {
  while (queued_ > 0) {
    Command* command = queue_.first();
    if (!MaySend(*command, queued_)) return;
    Dequeue(command);
    Send(command);
  }
}

void Connection::Send(Command* command) noexcept {
  ErrorRef failed;
  if (!command->OnTurn(session_.maybe_in_transaction, &failed))
    return command->OnEnd({.error = std::move(failed), .unsent = true});
  if (command->too_many()) return command->OnEnd(TooMany());
  // Room for all of it first: from then on nothing can fail.
  char* room = wire_.Reserve(Encoder::Most(*command, session_, shared_));
  if (!room) {
    loop_.AtTurnEnd(&tell_later_);
    return command->OnEnd({.error = NoMemoryError(), .unsent = true});
  }
  Flight& flight = pipeline_.Next();
  flight.command = command;
  flight.phase = command->phase();
  flight.alone = command->alone();
  flight.implicit = !session_.maybe_in_transaction;
  flight.firm = command->firm();
  flight.opens = command->opens();
  flight.begin = wire_.written();
  Encoder encoder(session_, shared_, flight, room, loop_.turn_time(), pipeline_.has_changes());
  command->Encode(&encoder);
  command->again_ = false;
  shared_.counters.statements.Add();
  flight.sent = loop_.stamp();
  if (pipeline_.empty()) {
    flight.was_alone = true;
    flight.since = flight.sent;
  } else {
    shared_.counters.pipelined.Add();
  }
  pipeline_.Push();
  const bool alone = flight.alone;
  wire_.Commit(static_cast<size_t>(encoder.end() - room));
  if (alone && !lost_) command->OnSent(&wire_);
}

void Connection::OnTurnEnd(TurnEnd* end) noexcept {
  Connection* self = static_cast<TellLater*>(end)->connection;
  if (!self->lost_) self->owner_.OnProgress();
}

// ---- What comes ----

bool Connection::OnBytes() noexcept {
  answers_.TakeAll(&wire_);
  if (lost_) return false;
  bool streams = false;
  if (pipeline_.empty()) {
    canceller_.OnIdle();
  } else if (Flight& first = pipeline_.first(); first.alone && first.command && !wire_.paused()) {
    streams = first.command->OnRead(first);
  }
  if (pipeline_.cancelled() > 0) canceller_.Step();
  Advance();
  return streams;
}

void Connection::OnRead() noexcept {
  owner_.OnProgress();
}

void Connection::OnBroken(ssize_t received) noexcept {
  Lose(received == -ENOMEM ? NoMemoryError() : Disconnected(received, answers_.last_words()));
}

void Connection::OnGivenUp(Flight* flight) noexcept {
  canceller_.Mark(flight);
  canceller_.Step();
}

void Connection::Remember(const FlightFacts& flight, const ErrorRef& error, Nanos now) noexcept {
  const Nanos took = std::max<Nanos>(now - flight.since, 0);
  shared_.counters.query.Add(took);
  if (flight.was_alone) shared_.history.RecordAlone(flight.hash, took);
  if (flight.hash == 0) return;
  if (!error)
    shared_.history.Record(flight.hash, took, flight.plain);
  else if (HasState(error, "57014"))
    shared_.history.RecordStop(flight.hash, took);
}

void Connection::OnReady(TransactionStatus status) noexcept {
  Ending ending{.error = std::move(pipeline_.first().error),
                .rows = std::move(pipeline_.first().rows),
                .answered = true,
                .inside = status != TransactionStatus::kIdle};
  const FlightFacts& flight = pipeline_.Pop();
  const Nanos now = ReadyTime();
  // With more in flight it is what those will leave.
  if (pipeline_.empty())
    session_.maybe_in_transaction = ending.inside;
  else
    pipeline_.first().since = now;
  quickest_ = std::min(quickest_, std::max<Nanos>(now - flight.sent, 0));
  answers_.Clear();
  Remember(flight, ending.error, now);
  // Its first statement may not have been run.
  if (flight.asks && session_.peer == SessionState::Peer::kAsked)
    session_.peer = SessionState::Peer::kUnknown;

  ending.affected = flight.affected;
  ending.done = flight.steps.done() - (flight.asks && flight.steps.done() > 0);
  ending.partial = flight.partial;
  // Somebody else's cancel. In its own transaction it was rolled back and nobody knows of it.
  if (canceller_.TakeHit(ending.error) && !flight.cancelled)
    ending.undone = flight.implicit && !flight.commits && (!ending.inside || flight.opens);
  if (flight.stale) ending.undone = true;
  // Rows that nobody waited for any more are missing, however well it ended.
  if (closing_ && (ending.error || ending.partial)) ending = {.error = closing_, .answered = true};
  if (!flight.command) return;
  if (status == TransactionStatus::kFailed && PutBack(flight, &ending)) return;
  flight.command->OnEnd(std::move(ending));
}

// The end of a transaction that the server has not begun with (somebody has cancelled it there, a
// time limit of the server's) leaves the transaction open, and failed: it is sent again, and rolls
// back. What was sent behind it, to happen after it, has failed in it without a trace: it follows.
bool Connection::PutBack(const FlightFacts& flight, Ending* ending) noexcept {
  constexpr uint8_t kMost = 10;
  Command* const command = flight.command;
  if (closing_ || !ending->error) return false;
  Command* before = queue_.first();
  if (!command->ends_) {
    if (!flight.implicit || !HasState(ending->error, "25P02")) return false;
    while (before && !(before->again_ && before->ends_)) before = queue_.Next(before);
    if (!before) return false;
    while (before && before->again_) before = queue_.Next(before);
    // (A BEGIN that nobody wants any more is one that was too late to be stopped.)
    if (flight.cancelled && !flight.opens) {
      *ending = {.error = std::move(ending->error), .unsent = true};
      return false;
    }
  }
  if (++command->returns_ > kMost) {
    Lose(ending->error);
    return false;
  }
  command->again_ = true;
  Enqueue(command, before);
  return true;
}

// ---- Cancelling ----

bool Connection::Cancel(Command* command, const Ref<Level>& level) noexcept {
  if (queue_.Has(command)) {
    Command* const next = queue_.Next(command);
    Dequeue(command);
    Break(next, level);
    return true;
  }
  if (Flight* flight = pipeline_.Find(command)) canceller_.Mark(flight);
  // A stream that is held back must be read to its end.
  Pause(false);
  canceller_.Step();
  return false;
}

void Connection::OnCancelOver() noexcept {
  Advance();
  if (!lost_) owner_.OnProgress();
}

bool Connection::BreakFirst(const Ending& ending, Ref<Level> level) noexcept {
  // What was never sent stands behind all that is in flight.
  if (!ending.unsent && pipeline_.has_edge(ending.behind)) return false;
  Break(queue_.first(), std::move(level));
  return true;
}

// Puts a breaker in front of `before`, or at the end.
void Connection::Break(Command* before, Ref<Level> level) noexcept {
  // Whoever shares a connection has no transaction.
  if (lost_ || closing_ || shared_use_) return;
  if (!level) {
    if (surely_no_transaction()) return;
    const Command* neighbour = before ? queue_.Prev(before) : queue_.last();
    if (neighbour && neighbour->breaks()) return;
  }
  AbortTransaction* breaker = AbortTransaction::Make(*this, std::move(level));
  if (!breaker) return Lose(NoMemoryError());
  Enqueue(breaker, before);
  Advance();
}

// ---- The end ----

void Connection::Lose(const ErrorRef& why) noexcept {
  if (lost_) return;
  lost_ = true;
  wire_.Stop();
  canceller_.Stop();
  why_ = why;
  // Whatever ends it while the pool closes: its users are told of the close.
  const ErrorRef reason = closing_ ? closing_ : why;
  for (size_t i = 0; !pipeline_.empty(); i++) {
    ErrorRef said = std::move(pipeline_.first().error);
    const FlightFacts& flight = pipeline_.Pop();
    if (!flight.command) continue;
    // An error of the server's that arrived says more than the loss.
    flight.command->OnEnd({.error = said && !closing_ ? said : reason,
                           .unsent = flight.begin >= wire_.sent() || i >= answers_.not_begun(),
                           .done = flight.steps.done()});
  }
  EndQueued(reason);
  owner_.OnLost(why);
}

void Connection::BeginClose(const ErrorRef& why) noexcept {
  if (lost_ || closing_) return;
  closing_ = why;
  canceller_.Hurry();
  EndQueued(why);
  Pause(false);
  // A COMMIT has a shield, and a time limit of its own.
  for (size_t i = 0; i < pipeline_.size(); i++)
    if (const Command* command = pipeline_.At(i).command; !command || !command->shielded())
      canceller_.Mark(&pipeline_.At(i));
  canceller_.Step();
}

}  // namespace creche::pg
