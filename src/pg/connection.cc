#include "pg/connection.h"

#include <libpq-fe.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include "pg/backend_question.h"

namespace creche::pg {

namespace {

// Names that one flight closes, at most.
constexpr size_t kClosedAtOnce = 4;

// Names of prepared statements are unique among all sessions of all clients: a pooler may mix them.
std::string RandomPrefix() {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  thread_local std::mt19937_64 random{std::random_device{}()};
  uint64_t number = random();
  std::string prefix = "c";
  for (int i = 0; i < 8; i++, number /= 36) prefix += kDigits[number % 36];
  return prefix + "_";
}

}  // namespace

Connection::Connection(Loop& loop, Owner& owner, PGconn* connection, const Settings& settings,
                       Shared& shared)
    : loop_(loop),
      owner_(owner),
      connection_(connection),
      settings_(settings),
      shared_(shared),
      history_(shared.history),
      fastest_(shared.fastest),
      counters_(shared.counters),
      cache_(RandomPrefix(), settings.prepare ? settings.statement_cache : 0,
             settings.statement_lifetime),
      transport_(connection),
      timer_(loop, OnTimer, this),
      inbox_(shared.space),
      pace_(loop, transport_.fd(), OnPace, this),
      ring_(std::bit_ceil(settings.depth + 1)) {
  // What libpq has read behind "ready" (a notice, a parameter) it parses now. The beginning of one
  // more message, if there should ever be one in its buffer, is lost to us; what follows is then no
  // message that the reader accepts (text taken for a length is too much, and no answer is
  // expected), so that the connection is given up as one that does not keep to the protocol.
  (void)PQisBusy(connection_);
  if (PQbackendPID(connection_) == 0) direct_ = Direct::kNo;
  const char* standby = PQparameterStatus(connection_, "in_hot_standby");
  standby_ = standby && std::strcmp(standby, "on") == 0;
  const char* reads_only = PQparameterStatus(connection_, "default_transaction_read_only");
  reads_only_ = reads_only && std::strcmp(reads_only, "on") == 0;
}

Connection::~Connection() {
  if (cancel_) cancel_->Forget();
  watch_.Stop();
  // PQfinish sends a farewell: it must not wait on a broken link, and not stand inside a message of
  // which only a part has gone.
  if (lost_ || !outbox_.empty()) transport_.Cut();
  PQfinish(connection_);
}

bool Connection::Start() noexcept {
  return watch_.Start(loop_.reactor(), transport_.fd(), platform::kRead, OnReady, this) == 0;
}

void Connection::Submit(Request* request) noexcept {
  // Whoever holds it may have let it rest for long. (What the pool gives out, it has looked at.)
  const bool looked = std::exchange(books.looked, false);
  if (books.holder && !looked && idle()) (void)StillThere();
  if (ErrorRef over = Over()) return request->OnReply({.error = std::move(over), .unsent = true});
  request->returns_ = 0;
  Link(request, nullptr);
  Advance();
}

void Connection::Unlink(Request* request) noexcept {
  (request->prev_ ? request->prev_->next_ : queue_first_) = request->next_;
  (request->next_ ? request->next_->prev_ : queue_last_) = request->prev_;
  request->next_ = request->prev_ = nullptr;
  request->state_ = Request::State::kNone;
  queued_--;
}

void Connection::Advance() noexcept {
  while (queue_first_ && !lost_ && !frozen_ && flights_ < settings_.depth) {
    Request* request = queue_first_;
    if (flights_ > 0 && !MaySend(*request)) return;
    Unlink(request);
    Send(request);
  }
}

void Connection::Send(Request* request) noexcept {
  if (request->late_) {
    ErrorRef failed;
    if (!request->OnSend(maybe_in_transaction_, &failed))
      return request->OnReply({.error = std::move(failed), .unsent = true});
  }
  // Room for all of it first: from then on nothing can fail.
  size_t most = cache_.to_close() > 0 ? kClosedAtOnce * MessageWriter::kMostClose : 0;
  const size_t forms = std::max(widest_forms_, shared_.forms.widest());
  for (size_t i = 0; i < request->count_; i++)
    most += MessageWriter::Most(*request->statements_[i], forms);
  if (direct_ == Direct::kUnknown) most += BackendQuestion::kMost;
  char* room = outbox_.Reserve(most);
  if (!room) {
    failed_ = true;
    loop_.AtTurnEnd(&turn_end_);
    return request->OnReply({.error = NoMemoryError(), .unsent = true});
  }
  MessageWriter out(room);
  Flight& flight = At(flights_);
  flight = Flight{};
  flight.request = request;
  flight.shape = request->shape_;
  flight.phase = request->phase_;
  flight.max_bytes = request->max_bytes_;
  flight.implicit = !maybe_in_transaction_;
  flight.firm = request->firm_;
  if (flight.firm) firm_++;
  flight.opens = request->opens_;
  flight.alone = flights_ == 0;
  flight.begin = sent_ + outbox_.size();
  Write(&flight, *request, &out);
  outbox_.Commit(static_cast<size_t>(out.end() - room));
  request->state_ = Request::State::kSent;
  request->again_ = false;
  if (flight.changes) changes_++;
  counters_.statements.Add();
  if (flights_ > 0)
    counters_.pipelined.Add();
  else
    flight.since = loop_.now();
  flights_++;
  FlushSoon();
}

void Connection::Write(Flight* flight, const Request& request, MessageWriter* out) noexcept {
  if (flight->shape == Request::Shape::kScript) {
    out->Query(request.statements_[0]->text());
    flight->steps.SetScript();
    flight->commits = request.statements_[0]->verb() == Verb::kProcedure;
    maybe_in_transaction_ = true;
    dirty_ = true;
    return;
  }
  // In front of what may fail, because then the server skips the rest. Allowed in every state of a
  // transaction.
  for (size_t i = 0; i < kClosedAtOnce && cache_.to_close() > 0; i++) {
    out->CloseStatement(cache_.NextToClose());
    flight->steps.AddClose();
  }
  flight->added = cache_.last() + 1;
  for (size_t i = 0; i < request.count_; i++)
    WriteStatement(flight, *request.statements_[i], request.prepare_ && settings_.prepare,
                   i + 1 == request.count_, out);
  if (flight->shape == Request::Shape::kRows) flight->hash = request.statements_[0]->hash();
  out->Sync();
  flight->steps.Sent();
}

void Connection::WriteStatement(Flight* flight, const Statement& s, bool prepare, bool last,
                                MessageWriter* out) noexcept {
  // What ends one leaves none, however it goes: a COMMIT that fails has rolled back. (One that was
  // cancelled before it ran has not; "ready" will say so.)
  if (s.verb() == Verb::kTransaction) {
    maybe_in_transaction_ = s.text() != "COMMIT" && s.text() != "ROLLBACK";
    flight->edge = true;
  }
  // A name can be gone (26000), and what stands behind a BEGIN that failed happens outside of it.
  if (s.verb() == Verb::kTransaction) prepare = false;
  const Prepared* prepared = prepare ? cache_.Find(s, loop_.turn_time()) : nullptr;
  // A name that is on its way may never come to be: its Parse fails in a failed transaction, by a
  // cancel, for want of a table. Until it was answered the statement does without. So it does
  // behind one that may change what the name stands for: it could not be run again in its order;
  // and with text that is not to be read as the types that were inferred.
  if (prepared && (!prepared->confirmed || changes_ > 0 || !prepared->Fits(s)))
    prepared = nullptr, prepare = false;
  if (direct_ == Direct::kUnknown && prepared && prepared->columns) AskForBackend(flight, out);
  // What is run for the second time is worth to be prepared.
  const bool parse = !prepared;
  if (!prepared && prepare && history_.Touch(s.hash()) &&
      (prepared = cache_.Add(s, loop_.turn_time()))) {
    counters_.prepares.Add();
    flight->adds |= 1u << flight->steps.statements();
  }
  const std::string_view name = prepared ? std::string_view(prepared->name) : std::string_view();
  if (s.verb() == Verb::kProcedure) flight->commits = true;
  if (s.verb() != Verb::kQuery || (prepared ? prepared->leaves_state : LeavesState(s.text())))
    flight->leaves_state = true;
  if (parse) out->Parse(name, s);
  const bool types = flight->adds >> flight->steps.statements() & 1 && s.infers_types();
  if (types) out->DescribeStatement(name);
  // The rows of all but the last are thrown away. What a prepared statement's columns are is known,
  // and the server refuses to run it if they have become others; a pooler may prepare it on another
  // session, where they are what they are: then they are described each time.
  const bool known = prepared && prepared->columns && s.verb() == Verb::kQuery;
  const bool describe = last && !(known && direct_ == Direct::kYes);
  out->Bind(name, s, known ? &prepared->columns->forms() : shared_.forms.Find(s.hash()));
  if (last && known) flight->columns = prepared->columns;
  if (describe) {
    out->DescribePortal();
    if (prepared && s.verb() == Verb::kQuery) flight->described = prepared->number;
  }
  out->Execute();
  flight->steps.AddStatement(parse, describe, types);
}

// Once on each connection, with the first statement that gains from the answer. A pooler has keys
// of its own for cancelling, which name no process of the server's.
void Connection::AskForBackend(Flight* flight, MessageWriter* out) noexcept {
  // Where nothing is lost if the server does not know the function, or where it is known to.
  if (flight->steps.statements() > 0 || (!flight->implicit && !shared_.tells_backend)) return;
  BackendQuestion::Write(out);
  flight->steps.AddStatement(true, false);
  flight->asks = true;
  direct_ = Direct::kAsked;
}

void Connection::FlushSoon() noexcept {
  if (flushing_ || cut_off_) return;
  // Much is sent at once: the network may begin.
  constexpr size_t kMuch = 64 * 1024;
  if (outbox_.size() >= kMuch) return Flush();
  loop_.AtTurnEnd(&turn_end_);
}

void Connection::OnTurnEnd(TurnEnd* end) noexcept {
  Connection* self = static_cast<SendLater*>(end)->connection;
  if (self->lost_) return;
  if (!self->flushing_) self->Flush();
  // What was received before, while reading was paused.
  if (!self->lost_ && !self->paused_ && !self->inbox_.empty()) self->Progress();
  if (!self->lost_ && !self->paused_ && self->transport_.pending()) self->Read();
  if (std::exchange(self->failed_, false) && !self->lost_) self->owner_.OnProgress(self);
}

void Connection::Flush() noexcept {
  while (!outbox_.empty() && !cut_off_) {
    const ssize_t sent = transport_.Send(outbox_.data(), outbox_.size());
    if (sent == -EAGAIN) break;
    if (sent < 0) {
      // What the server has said before is read yet, then the end.
      cut_off_ = true;
      transport_.Cut();
      break;
    }
    outbox_.Consume(static_cast<size_t>(sent));
    sent_ += static_cast<uint64_t>(sent);
  }
  constexpr size_t kKeep = 16 * 1024;
  if (outbox_.empty() && outbox_.capacity() > kKeep) outbox_.Release();
  const bool more = !outbox_.empty() && !cut_off_;
  if (more == flushing_ && !cut_off_) return;
  flushing_ = more;
  UpdateInterest();
}

void Connection::UpdateInterest() noexcept {
  if (lost_) return;
  // While there is something to send the server is read, too: it may be blocked by us. (A stream
  // that is held back was sent as a whole before its first rows came.)
  unsigned interest = paused_ ? platform::kNothing : platform::kRead;
  if (flushing_ || transport_.receive_wants_write()) interest |= platform::kWrite;
  if (watch_.Set(interest) != 0) Lose(NoMemoryError());
}

void Connection::Pause(bool pause) noexcept {
  if (paused_ == pause) return;
  paused_ = pause;
  pace_.Stop();
  UpdateInterest();
  // There may be rows that were received before. Not from inside the caller, who may be one of
  // them.
  if (!paused_ && !lost_) loop_.AtTurnEnd(&turn_end_);
}

void Connection::Lose(const ErrorRef& why) noexcept {
  if (lost_) return;
  lost_ = true;
  watch_.Stop();
  timer_.Disarm();
  pace_.Stop();
  if (cancel_) cancel_->Forget();
  cancel_ = nullptr;
  why_ = why;
  // Whatever ends it while the pool closes: its users are told of the close.
  const ErrorRef reason = closing_ ? closing_ : why;
  for (size_t i = 0; flights_ > 0; flights_--, i++) {
    Flight flight = std::move(At(0));
    first_++;
    if (!flight.request) continue;
    flight.request->state_ = Request::State::kNone;
    // An error of the server's that arrived says more than the loss.
    flight.request->OnReply({.error = flight.error && !closing_ ? flight.error : reason,
                             .unsent = flight.begin >= sent_ || i >= not_begun_});
  }
  while (Request* request = queue_first_) {
    Unlink(request);
    request->OnReply({.error = reason, .unsent = true});
  }
  owner_.OnLost(this, why);
}

void Connection::BeginClose(const ErrorRef& why) noexcept {
  if (lost_ || closing_) return;
  closing_ = why;
  frozen_ = true;
  while (Request* request = queue_first_) {
    Unlink(request);
    request->OnReply({.error = why, .unsent = true});
  }
  Pause(false);
  // A COMMIT has a shield, and a time limit of its own.
  for (size_t i = 0; i < flights_; i++)
    if (!At(i).request || !At(i).request->shielded_) CancelFlight(&At(i));
  StepCancel();
}

}  // namespace creche::pg
