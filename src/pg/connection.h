// Connection: one session with a server. libpq has opened it (names, TLS, authentication) and will
// close it; in between this class speaks the protocol itself. It takes commands in order, gives
// each a synchronization point of its own, so that the failure of one never touches another, sends
// all that a turn of the loop has brought at once, and reads answers as they come. Loop's thread.
//
// Why not libpq: with it each pipelined statement costs a send (in libpq 15), each execution a
// description of its columns, each streamed row a result object, and each value a copy.
//
// A command waits in `queue_` until it may be sent; then a flight of `pipeline_` stands for it, in
// the order of the answers. What the parts do: Wire has the bytes, Encoder writes, AnswerReader
// understands, SessionState remembers, Canceller stops.
#pragma once
#include <memory>

#include "core/list.h"
#include "core/loop.h"
#include "pg/answer_reader.h"
#include "pg/canceller.h"
#include "pg/command/command.h"
#include "pg/command/level.h"
#include "pg/wire/wire.h"

namespace creche::pg {

class Connection final : private Wire::Listener,
                         private AnswerReader::Listener,
                         private Canceller::Owner {
 public:
  class Owner {
   public:
    // Something has ended on it, or it is ready for more.
    virtual void OnProgress() noexcept = 0;
    // It is of no use any more; all commands have ended. Do not destroy it inside.
    virtual void OnLost(const ErrorRef& why) noexcept = 0;
    // Somebody has said NOTIFY, and this session listens.
    virtual void OnNotification(uint32_t /*process*/, std::string_view /*channel*/,
                                std::string_view /*payload*/) noexcept {}

   protected:
    ~Owner() = default;
  };
  struct Settings {
    SessionState::Settings session;
    size_t depth = 64;  // commands in flight
    Nanos cancel_timeout = 5 * kSecond;
  };

  Connection(Loop& loop, Owner& owner, std::unique_ptr<Endpoint> endpoint, const Settings& settings,
             Shared& shared);
  // Begins to read. Returns 0, or an errno: the descriptor cannot be watched.
  [[nodiscard]] int Start() noexcept { return wire_.Start(); }

  // Puts a command in the queue, and sends it if it may be sent now.
  void Submit(Command* command) noexcept;
  // The same in front of all that waits: it was sent before, and is to be run again.
  void Resubmit(Command* command) noexcept;
  // True: it was not sent yet and is out of the queue; it will not end; a transaction that is open
  // in its place fails there. level: it was to open this one, which is opened, and fails.
  // False: it is being cancelled on the server as soon as that hits nobody else; the end follows.
  bool Cancel(Command* command, const Ref<Level>& level = {}) noexcept;
  // A statement, or the begin of `level`, will never come here, behind all that was submitted: if
  // there is a transaction, it fails.
  void BreakBehind(Ref<Level> level = {}) noexcept { Break(nullptr, std::move(level)); }
  // The same in front of all that waits, for what has ended so. False: the end of the transaction
  // was sent behind it, it is too late.
  bool BreakFirst(const Ending& ending, Ref<Level> level = {}) noexcept;
  // Fails everything and says OnLost. `why` is the error of what is in flight.
  void Lose(const ErrorRef& why) noexcept;
  // Ends everything: what waits fails with `why`, what runs is cancelled. OnProgress follows when
  // it is idle, or OnLost.
  void BeginClose(const ErrorRef& why) noexcept;
  // Does not read for the stream that runs, so that the server is held back; or reads again.
  // Nothing is held back of what was given up: its end is waited for.
  void Pause(bool pause) noexcept { wire_.Pause(pause && !closing_ && pipeline_.cancelled() == 0); }
  // An idle one: reads what the server has said unasked, if anything. False: it was lost. Whoever
  // is about to use one asks, however short ago it was of use.
  bool Probe() noexcept;
  // The server has said who it is: what is known of its types is shared. May throw bad_alloc.
  void MeetServer(int64_t started, uint32_t database);

  // Others may use it, too: each is run again unseen if it is hit by the cancel of another.
  void set_shared(bool shared) noexcept { shared_use_ = shared; }
  // Somebody has it alone. rests: he may let it rest for long before he uses it.
  void set_held(bool held, bool rests = false) noexcept {
    held_ = held;
    if (rests) probed_ = false;
  }

  bool lost() const noexcept { return lost_; }
  bool idle() const noexcept { return load() == 0 && !canceller_.busy(); }
  size_t in_flight() const noexcept { return pipeline_.size(); }
  // In flight and waiting.
  size_t load() const noexcept { return pipeline_.size() + queued_; }
  // True if one more would go along with others: at the end of this turn, or with what is held
  // back.
  bool gathers() const noexcept { return wire_.sends_soon() || queued_ > 0; }
  // True if more can join what is in flight: nothing is being cancelled.
  bool shareable() const noexcept {
    return !lost_ && !frozen() && load() < pipeline_.depth() && !session_.unwanted();
  }
  // True if it is certain that no transaction is open.
  bool surely_no_transaction() const noexcept {
    return load() == 0 && !session_.maybe_in_transaction;
  }
  // What is known of the session. Of its transaction: exact when idle.
  SessionState& session() noexcept { return session_; }
  const SessionState& session() const noexcept { return session_; }
  Shared& shared() noexcept { return shared_; }

 private:
  bool OnBytes() noexcept override;
  void OnRead() noexcept override;
  void OnBroken(ssize_t received) noexcept override;
  void OnUnwatched(int why) noexcept override { Lose(UnwatchedError(Phase::kQuery, why)); }
  void OnReady(TransactionStatus status) noexcept override;
  void OnGivenUp(Flight* flight) noexcept override;
  void OnUnusable(const ErrorRef& why) noexcept override { Lose(why); }
  void OnNotification(uint32_t process, std::string_view channel,
                      std::string_view payload) noexcept override {
    owner_.OnNotification(process, channel, payload);
  }
  void OnCancelOver() noexcept override;
  void OnCancelFailed(const ErrorRef& why) noexcept override { Lose(why); }
  static void OnTurnEnd(TurnEnd* end) noexcept;

  // Why nothing can be submitted any more; null: it can.
  ErrorRef Over() const noexcept { return lost_ ? why_ : closing_; }
  // Nothing is sent.
  bool frozen() const noexcept { return closing_ || canceller_.holds(); }
  // When what is read now was found to be there: how long it took is measured without a look at the
  // clock.
  Nanos ReadyTime() const noexcept {
    const Nanos at = loop_.clock() ? 0 : loop_.reactor().first_ready_at();
    return at != 0 ? at : loop_.now();
  }
  // Sends what may be sent.
  void Advance() noexcept;
  // What several share: while the server has more to do than waits here, what comes waits for its
  // answers, and goes out in one send when they leave it less; until then it can be taken back
  // without a word. Never without something in flight, whose answer asks again; what goes out at
  // the end of this turn takes along whatever there is.
  bool HoldsBack(size_t waiting) noexcept {
    constexpr size_t kBusy = 3;
    const size_t out = pipeline_.size();
    return shared_use_ && out >= kBusy && out > waiting && !wire_.sends_soon() && busy();
  }
  // True if it is the server that lets the first in flight wait, and not the way to it: it has
  // taken twice as long as the quickest answer so far.
  bool busy() noexcept {
    return quickest_ != kNever && ReadyTime() - pipeline_.first().sent >= 2 * quickest_;
  }
  // waiting: how many want to be sent, this one included.
  bool MaySend(const Command& command, size_t waiting) noexcept;
  void Send(Command* command) noexcept;
  // before: null for the end.
  void Enqueue(Command* command, Command* before) noexcept;
  void Dequeue(Command* command) noexcept;
  void EndQueued(const ErrorRef& why) noexcept;
  void Break(Command* before, Ref<Level> level) noexcept;
  bool PutBack(const FlightFacts& flight, Ending* ending) noexcept;
  void Remember(const FlightFacts& flight, const ErrorRef& error, Nanos now) noexcept;

  Loop& loop_;
  Owner& owner_;
  const std::unique_ptr<Endpoint> endpoint_;  // outlives what follows
  Shared& shared_;
  SessionState session_;
  Wire wire_;
  Pipeline pipeline_;
  Canceller canceller_;
  AnswerReader answers_;
  List<Command> queue_;
  size_t queued_ = 0;
  struct TellLater : TurnEnd {
    explicit TellLater(Connection* owner) : TurnEnd(OnTurnEnd), connection(owner) {}
    Connection* const connection;
  } tell_later_{this};       // something could not be sent: its owner must hear of it
  ErrorRef closing_;         // not null: everything ends with this
  ErrorRef why_;             // it was lost
  Nanos quickest_ = kNever;  // from a statement's sending to its answer, at least
  bool lost_ = false;
  bool shared_use_ = false;
  bool held_ = false;
  bool probed_ = false;  // it was there just now
};

}  // namespace creche::pg
