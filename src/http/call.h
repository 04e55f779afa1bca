// Call: one request of a user until its completion, over as many connections and redirects as it
// takes. Loop's thread only.
//
//   waiting (pool, dns, connect, tls) -> exchanging (send, headers, body) -> over
//                        ^                          |
//                        +---- (reading over) ------+  again
//
// It makes attempts: a connection from the pool, an exchange on it. What an answer or a failure
// means is asked of the session's layers, and only here an attempt is made again. It can be left at
// any moment by Abort, and says in its errors where they happened and what to do.
#pragma once
#include <memory>

#include "core/blocks.h"
#include "core/list.h"
#include "http/body/refused_body.h"
#include "http/body/stream_body.h"
#include "http/body/whole_body.h"
#include "http/calls.h"
#include "http/layer/layer.h"
#include "http/open_turn.h"

namespace creche::tasks {
struct LogRecord;
}

namespace creche::http {

// Where the time went: points of the loop's clock, 0 for what did not happen.
struct Times {
  Nanos started = 0;
  Nanos connected = 0;
  Nanos sent = 0;
  Nanos first_byte = 0;
  Nanos ended = 0;
};

class Call final : public FromBlocks,
                   public ListNode<Call>,
                   private Checkout,
                   private Held,
                   private BodyProducer::Listener,
                   private Exchange::Listener,
                   private Turns::Owner {
 public:
  // Told from the loop; perhaps inside Start, Answer or SetAwaited.
  class Owner {
   public:
    // The head of a response that is streamed has come. Take the stream's body now; the owner may
    // change. False without memory: ends the call.
    [[nodiscard]] virtual bool OnHead() noexcept = 0;
    // Of a stream: there is something to read.
    virtual void OnBody() noexcept = 0;
    // A piece of the request's body, please: Answer. False without memory.
    [[nodiscard]] virtual bool OnPull(uint64_t hint) noexcept = 0;
    // After OnHead: nothing is left of the request to be sent, or it will not be sent any more.
    virtual void OnSent() noexcept = 0;
    // The last call: the response is complete (null), or why not. May destroy the call.
    virtual void OnEnd(ErrorRef error) noexcept = 0;
    // When the task of a call that nobody has heard of will be cancelled; kNever if not.
    virtual Nanos Deadline() noexcept { return kNever; }

   protected:
    ~Owner() = default;
  };

  // Any thread. stream: the body is kept as it comes, for who reads it.
  Call(bool stream, Owner* owner);
  // Aborts. Any thread, if it was never started.
  ~Call();

  // To be filled before Start.
  Request& request() { return state_.request; }
  void Start(Calls& calls) noexcept;
  // Gives it up; the owner is told nothing more. Harmless after the end.
  void Abort() noexcept { Stop(); }
  // Ends it with this error, as if it had happened by itself.
  void Fail(ErrorRef error) noexcept;
  // In the owner's OnHead, if granted: what the connection, or a stream of it, is now. The call is
  // over. May throw bad_alloc.
  struct Upgraded {
    Reservation reservation = {};
    std::unique_ptr<Transport> transport = {};  // to go before it
    std::string rest = {};                      // what came behind the answer
    std::string where = {};                     // for messages; the owner's to fill
    bool counted = false;                       // its bytes are, by who carries them
  };
  Upgraded Upgrade();
  // The answer to OnPull; ignored if nobody needs it any more.
  void Answer(Status status, std::string piece, bool more, ErrorRef error) noexcept;
  void set_owner(Owner* owner) { owner_ = owner; }
  // Somebody waits for up to so many bytes of a stream, or nobody does (0): the gap between two
  // reads is measured only while they do, and reading goes on if it was held back.
  void SetAwaited(size_t capacity) noexcept;

  Phase phase() const { return opening() ? opening_phase() : state_.attempt.phase; }
  const Request& request() const { return state_.request; }
  ResponseHead& head() { return state_.head; }
  WholeBody& whole() { return whole_; }
  std::unique_ptr<StreamBody> TakeStream() { return std::move(stream_owned_); }
  Times times() const;
  uint64_t body_bytes() const { return state_.attempt.body_bytes; }
  uint64_t sent_bytes() const { return state_.attempt.sent; }
  // After the end, once; null for none.
  std::unique_ptr<ResponseHead> TakeTrailer() { return std::move(state_.attempt.trailer); }
  using Checkout::waited;
  bool reused() const { return state_.attempt.reused; }
  const ConnectionInfoRef& connection() const { return state_.attempt.connection; }
  bool tls() const { return state_.request.url.https(); }
  // How often its retry policy let it be made; 0 without one.
  uint32_t attempts() const { return state_.attempts; }
  // After the head: what follows it is the protocol that was asked for.
  bool granted() const { return state_.attempt.granted; }
  // The response has a body.
  bool has_body() const { return state_.has_body; }
  // There is more of the body to be pulled.
  bool pulls() const { return state_.request.body.pulled() && exchange_ && exchange_->sending(); }

 private:
  void BeginAttempt() noexcept;
  void GoOn() noexcept override;
  void OnReserved(Reservation reservation, bool reused) noexcept override;
  void OnOpening() noexcept override;
  void OnOpenFailed(Phase phase, ErrorRef error) noexcept override;
  BodySink* OnHead(bool has_body) noexcept override;
  BodySink* WhereTo() noexcept;
  bool OnReceived() noexcept override;
  bool OnPull(uint64_t hint) noexcept override;
  void OnPiece(ErrorRef error, std::string piece, bool more) noexcept override;
  bool OnSent() noexcept override;
  void OnEnd(ErrorRef error) noexcept override;

  template <class Hook>
  Next Ask(const Layers::Asked& layers, Hook hook) noexcept;
  void Reserve() noexcept;
  void Give(std::string piece, bool more) noexcept;
  void SetTimer(Nanos at) noexcept;
  void OnTimer() noexcept;
  void Again() noexcept;
  void Complete() noexcept;
  void AskAboutTime() noexcept;
  void FailWithStatus() noexcept;
  void AttemptFailed(ErrorRef error) noexcept;
  void AskLayersOf(ErrorRef error) noexcept;
  void LogRetry(const Error* error) noexcept;
  void LogDenied(const Error* error) noexcept;
  void AddAttempt(const Error* error, tasks::LogRecord* record) const;
  void FailWith(const Problem& problem, ErrorRef cause = {}) noexcept;
  void Stop() noexcept;

  // Of call_turns.cc.
  std::optional<Decision> AskMiddleware(Turn what, const ErrorRef& error);
  bool MayGoAgain() const;
  Result<void> TakeFields(const Decision& decision);
  void AskBeforeRequest() noexcept;
  void DecideRequest(Decision decision) noexcept;
  BodySink* AskAtHead(bool* waits) noexcept;
  void AfterAnswer() noexcept;
  void GiveUpExchange() noexcept;
  void DecideResponse(Decision decision) noexcept;
  bool AskAfterFailure(const ErrorRef& error) noexcept;
  bool DecideFailure(Decision decision) noexcept;
  void OnDecision(Decision decision) noexcept override;
  void DropTurn() noexcept;
  void AnswerItself(const Decision& decision);
  bool asks_about_answer() const {
    return turn_ && turn_->id != 0 && turn_->what == Turn::kResponse;
  }

  ErrorRef WithAdvice(ErrorRef error) const;
  Watch* watch() const { return state_.request.watch.get(); }
  // Something that a server may have acted on.
  bool sent_any() const {
    return sent_any_ || (state_.attempt.sent > 0 && !state_.attempt.unprocessed);
  }

  Calls* calls_ = nullptr;  // from Start to the end
  Owner* owner_;
  CallState state_;
  Nanos connected_at_ = 0;
  Nanos ended_ = 0;

  std::unique_ptr<Timer> timer_;    // in line, with a timeout; or until the next attempt
  std::unique_ptr<OpenTurn> turn_;  // of a session with middleware
  uint32_t tries_ = 0;              // to get a connection, and to send it there
  Reservation reservation_;
  Exchange* exchange_ = nullptr;  // there
  WholeBody whole_;
  std::unique_ptr<RefusedBody> refused_;  // the answer is a failure
  StreamBody* stream_ = nullptr;
  std::unique_ptr<StreamBody> stream_owned_;  // until the owner takes it
  bool reading_over_ = false;                 // the next attempt follows
  bool announced_ = false;                    // the head of a stream
  bool sent_any_ = false;                     // by earlier attempts
};

}  // namespace creche::http
