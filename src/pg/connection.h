// Connection: one session with a server. libpq has opened it (names, TLS, authentication) and will
// close it; in between this class speaks the protocol itself. It takes requests in order, gives
// each a synchronization point of its own, so that the failure of one never touches another, sends
// all that a turn of the loop has brought at once, and reads answers as they come. Loop's thread.
//
// Why not libpq: with it each pipelined statement costs a send (in libpq 15), each execution a
// description of its columns, each streamed row a result object, and each value a copy.
//
// Queue: requests wait in `queue_` until they may be sent; then a Flight stands for them in the
// order of the answers. The Flight outlives a request whose owner could not wait any longer.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer.h"
#include "core/loop.h"
#include "pg/answer_steps.h"
#include "pg/cancel.h"
#include "pg/counters.h"
#include "pg/history.h"
#include "pg/inbox.h"
#include "pg/level.h"
#include "pg/message_reader.h"
#include "pg/message_writer.h"
#include "pg/request.h"
#include "pg/result_forms.h"
#include "pg/role.h"
#include "pg/row_builder.h"
#include "pg/server_fields.h"
#include "pg/statement_cache.h"
#include "pg/stream_pace.h"
#include "pg/tidy.h"
#include "pg/transport.h"
#include "platform/reactor.h"

struct pg_conn;

namespace creche::pg {

class ConnectionLease;

class Connection final : private Cancel::Listener {
 public:
  class Owner {
   public:
    // Something has ended on it, or it is ready for more.
    virtual void OnProgress(Connection* connection) noexcept = 0;
    // It is of no use any more; all requests have had their replies. Do not destroy it inside.
    virtual void OnLost(Connection* connection, const ErrorRef& why) noexcept = 0;

   protected:
    ~Owner() = default;
  };
  struct Settings {
    bool prepare = true;
    size_t statement_cache = 256;
    Nanos statement_lifetime = kNever;
    size_t depth = 64;  // requests in flight
    Nanos cancel_timeout = 5 * kSecond;
    Role role = Role::kAny;  // that the server was chosen for
  };

  // What the connections of a pool have in common.
  struct Shared {
    History history;
    ResultForms forms;
    bool tells_backend = false;  // a server has answered a BackendQuestion
    Counters counters;
    ReceiveSpace space;
    Nanos fastest = 0;          // of what was sent alone: about a round trip; 0: not known
    uint64_t fastest_hash = 0;  // of that
  };

  // Takes over `connection`: non-blocking, idle, not encrypted by GSS.
  Connection(Loop& loop, Owner& owner, pg_conn* connection, const Settings& settings,
             Shared& shared);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  // Begins to read. False if the descriptor cannot be watched.
  [[nodiscard]] bool Start() noexcept;

  // Puts a request in the queue, and sends it if it may be sent now.
  void Submit(Request* request) noexcept;
  // The same in front of all that waits: it was sent before, and is to be run again.
  void Resubmit(Request* request) noexcept;
  // True: it was not sent yet and is out of the queue; there will be no reply; a transaction that
  // is open in its place fails there. level: it was to open this one, which is opened, and fails.
  // False: it is being cancelled on the server as soon as that hits nobody else; the reply follows.
  bool CancelRequest(Request* request, const Ref<Level>& level = {}) noexcept;
  // A statement, or the begin of `level`, will never come here, behind all that was submitted: if
  // there is a transaction, it fails.
  void BreakBehind(Ref<Level> level = {}) noexcept { Break(nullptr, std::move(level)); }
  // The same in front of all that waits. Too late if the end of the transaction was sent.
  void BreakFirst(bool unsent, Ref<Level> level = {}) noexcept;
  // Fails everything and says OnLost. `why` is the error of what is in flight.
  void Lose(const ErrorRef& why) noexcept;
  // Ends everything: what waits fails with `why`, what runs is cancelled. OnProgress follows when
  // it is idle, or OnLost.
  void BeginClose(const ErrorRef& why) noexcept;
  // Does not read for the stream that runs, so that the server is held back; or reads again.
  void Pause(bool pause) noexcept;
  // An idle one: reads what the server has said unasked, if anything. False: it was lost. Whoever
  // is about to use one asks, however short ago it was of use.
  bool StillThere() noexcept;

  bool lost() const noexcept { return lost_; }
  bool idle() const noexcept { return flights_ == 0 && !queue_first_ && !cancel_; }
  size_t in_flight() const noexcept { return flights_; }
  // In flight and waiting.
  size_t load() const noexcept { return flights_ + queued_; }
  // True if it has something to send at the end of this turn.
  bool sends_soon() const noexcept { return !outbox_.empty(); }
  // True if more can join what is in flight: nothing is being cancelled.
  bool shareable() const noexcept {
    return !lost_ && !frozen_ && load() < settings_.depth && !unwanted();
  }
  // True unless it is certain that no transaction is open. Exact when idle.
  bool maybe_in_transaction() const noexcept { return maybe_in_transaction_; }
  // True if it is certain that none is.
  bool surely_no_transaction() const noexcept { return load() == 0 && !maybe_in_transaction_; }
  // True if a statement may have left something in the session.
  bool dirty() const noexcept { return dirty_; }
  void set_clean() noexcept { dirty_ = false; }
  // True if the user has prepared statements of his own (PREPARE).
  bool foreign_statements() const noexcept { return foreign_statements_; }
  // True on a server in recovery (hot standby).
  bool standby() const noexcept { return standby_; }
  // True if the server is not, or not any more, of the role that it was chosen for. Settings of the
  // user may make it look so for a while: to be asked when the session has been reset.
  bool unwanted() const noexcept { return settings_.role != Role::kAny && !HasRole(); }

  // The pool's own books.
  struct Books {
    enum class Use : uint8_t { kIdle, kShared, kTaken, kTidying };
    Use use = Use::kTaken;
    bool reserved = false;  // drains for somebody who needs it alone
    bool looked = false;    // it was there when it was taken, just now
    Nanos idle_since = 0;
    Nanos expires = kNever;
    ConnectionLease* holder = nullptr;  // the lease that has it
    std::unique_ptr<Tidy> tidy;
  } books;

 private:
  // How long a statement takes, as far as is known.
  enum class Pace : uint8_t { kNotAsked, kShort, kLong };
  struct Flight {
    Request* request = nullptr;  // null: nobody waits for it any more
    Request::Shape shape = Request::Shape::kRows;
    Phase phase = Phase::kQuery;
    Pace pace = Pace::kNotAsked;  // until something is to be sent behind it
    bool cancelled = false;
    bool firm = false;          // never to be cancelled on the server
    bool alone = false;         // nothing was in flight when it was sent
    bool opens = false;         // Request::set_opens
    bool changes = false;       // what prepared statements mean, perhaps
    bool edge = false;          // begins or ends a transaction, or goes back to a savepoint
    bool implicit = false;      // surely in no transaction but its own
    bool plain = false;         // its result leaves nothing behind
    bool leaves_state = false;  // something may stay in the session, whatever its tag is
    bool commits = false;       // a failure may have left a part of it done
    bool partial = false;       // rows of it were thrown away
    bool asks = false;          // its first statement is BackendQuestion
    bool stale = false;         // what was assumed of the session was not so: run it again
    AnswerSteps steps;
    uint32_t adds = 0;       // bit i: statement i is added to the cache
    uint32_t added = 0;      // number of the next one of these whose Parse will be answered
    uint32_t described = 0;  // number of the one whose columns the cache wants to know
    uint64_t begin = 0;      // where its first byte stands in all that was ever written
    uint64_t hash = 0;       // of what it ran, for the history; 0: of no interest
    uint64_t max_bytes = UINT64_MAX;
    int64_t affected = -1;
    Nanos since = 0;          // when it became the first
    Nanos asked = 0;          // when it was cancelled
    Nanos deadline = kNever;  // when its cancelling must be over
    ErrorRef error;
    Ref<Rows> rows;
    Ref<const RowDescription> columns;  // of the last statement's result
  };

  static void OnReady(void* self, unsigned ready) noexcept;
  static void OnTimer(void* self) noexcept;
  static void OnTurnEnd(TurnEnd* end) noexcept;

  // connection.cc: the queue and sending.
  void Advance() noexcept;
  void Send(Request* request) noexcept;
  void Write(Flight* flight, const Request& request, MessageWriter* out) noexcept;
  void WriteStatement(Flight* flight, const Statement& statement, bool prepare, bool last,
                      MessageWriter* out) noexcept;
  void AskForBackend(Flight* flight, MessageWriter* out) noexcept;
  void Unlink(Request* request) noexcept;
  // connection_order.cc: what may be sent behind what, and what takes whose place.
  void Link(Request* request, Request* before) noexcept;
  // Why nothing can be submitted any more; null: it can.
  ErrorRef Over() const noexcept { return lost_ ? why_ : closing_; }
  bool HasRole() const noexcept;
  bool MaySend(const Request& request) noexcept;
  Pace PaceOf(const Flight& flight) noexcept;
  void Break(Request* before, Ref<Level> level) noexcept;
  bool PutBack(const Flight& flight, Reply* reply) noexcept;
  void FlushSoon() noexcept;
  void Flush() noexcept;
  void UpdateInterest() noexcept;
  Flight& At(size_t index) noexcept { return ring_[(first_ + index) & (ring_.size() - 1)]; }

  // connection_read.cc: bytes.
  void Read() noexcept;
  void Receive(bool own = false) noexcept;
  void Drain() noexcept;
  void Progress() noexcept;
  static void OnPace(void* self) noexcept;
  bool Streams() noexcept;
  void LoseForProtocol(const char* why) noexcept;
  bool Wanted(const Flight& flight) const noexcept;
  size_t MaxRow() noexcept;

  // connection_answer.cc: messages.
  void Take(const Message& message) noexcept;
  void TakeRow(Flight* flight, const Message& message) noexcept;
  void TakeColumns(Flight* flight, const Message& message) noexcept;
  void TakeTypes(Flight* flight, const Message& message) noexcept;
  void TakeBackend(const Message& message) noexcept;
  void BeginRows(Flight* flight) noexcept;
  void TakeEnd(Flight* flight, std::string_view tag) noexcept;
  void TakeError(const Message& message) noexcept;
  void ForgetStatement(Flight* flight, bool executing, std::string_view state,
                       std::string_view routine) noexcept;
  void TakeLastWords(const ServerFields& fields) noexcept;
  void TakeNotice(const Message& message) noexcept;
  void TakeParameter(const Message& message) noexcept;
  void GiveUp(Flight* flight, ErrorRef why) noexcept;
  void EndOfFlight(TransactionStatus status) noexcept;
  void Remember(const Flight& flight, Nanos now) noexcept;

  // connection_cancel.cc
  void CancelFlight(Flight* flight) noexcept;
  void StepCancel() noexcept;
  void CancelDone() noexcept override;
  void ArmTimer() noexcept;

  Loop& loop_;
  Owner& owner_;
  pg_conn* const connection_;
  const Settings settings_;
  Shared& shared_;
  History& history_;
  Nanos& fastest_;
  Counters& counters_;
  StatementCache cache_;
  Transport transport_;
  platform::Watch watch_;
  Timer timer_;
  struct SendLater : TurnEnd {
    explicit SendLater(Connection* owner) : TurnEnd(OnTurnEnd), connection(owner) {}
    Connection* const connection;
  } turn_end_{this};
  Buffer outbox_;      // whole messages, but for the first one, of which a part may have gone
  uint64_t sent_ = 0;  // bytes, since the beginning
  Inbox inbox_;
  StreamPace pace_;
  MessageReader reader_;
  RowCollector collector_;  // of whole results

  Request* queue_first_ = nullptr;
  Request* queue_last_ = nullptr;
  size_t queued_ = 0;
  std::vector<Flight> ring_;  // a power of two
  size_t first_ = 0;
  size_t flights_ = 0;
  size_t cancelled_ = 0;  // flights that are
  size_t firm_ = 0;       // flights that are
  size_t changes_ = 0;    // flights that do

  Ref<Cancel> cancel_;           // on its way
  Nanos cancel_until_ = kNever;  // when that must have been answered
  uint32_t hits_ = 0;            // statements that our cancels may yet hit, at most
  Nanos retry_at_ = 0;           // not another cancel before
  Nanos timer_at_ = kNever;
  ErrorRef closing_;     // not null: everything ends with this
  ErrorRef last_words_;  // what the server said before it closed
  ErrorRef why_;         // it was lost
  bool frozen_ = false;  // nothing more is sent until all in flight has ended
  bool paused_ = false;
  bool flushing_ = false;  // waits until more can be sent
  bool cut_off_ = false;   // nothing can be sent any more; reading will say why
  bool standby_ = false;
  size_t widest_forms_ = 0;      // columns of the widest result that has text forms
  size_t not_begun_ = SIZE_MAX;  // when it is lost: from this flight on none was begun
  bool reads_only_ = false;      // default_transaction_read_only
  bool refused_write_ = false;   // a statement has failed because nothing can be written
  bool failed_ = false;          // to send something; its owner must hear of it
  bool lost_ = false;
  enum class Direct : uint8_t { kUnknown, kAsked, kYes, kNo };
  Direct direct_ = Direct::kUnknown;  // whether the server is at the other end, or a pooler
  bool dirty_ = false;
  bool foreign_statements_ = false;
  bool maybe_in_transaction_ = false;
};

}  // namespace creche::pg
