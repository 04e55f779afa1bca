// Exchange: one request and its response, over as many connections and redirects as it takes.
// Loop's thread only.
//
//   pool -> (dns -> connect -> tls) -> send -> headers -> body -> end
//
// Each state has its timeout and can be left at any moment by Abort, which closes the connection. A
// connection goes back to the pool only after a complete response to a complete request. Both
// directions go on side by side: the answer may begin, and end, while the request is being sent.
#pragma once
#include <memory>

#include "core/blocks.h"
#include "http/body/stream_body.h"
#include "http/body/whole_body.h"
#include "http/client.h"
#include "http/h1/h1_upload.h"
#include "http/make_connector.h"

namespace creche::http {

// Where the time went: points of the loop's clock, 0 for what did not happen.
struct Times {
  Nanos started = 0;
  Nanos connected = 0;
  Nanos sent = 0;
  Nanos first_byte = 0;
  Nanos ended = 0;
};

class Exchange final : public FromBlocks,
                       private ConnectionWaiter,
                       private Connector::Listener,
                       private Connection::User,
                       private H1Parser::Sink {
 public:
  // Told from the loop; perhaps inside Start, Answer or SetWaiting.
  class Owner {
   public:
    // The head of a response that is streamed has come. Take the stream's body now; the owner may
    // change. False without memory: ends the exchange.
    [[nodiscard]] virtual bool OnHead() noexcept = 0;
    // Of a stream: there is something to read.
    virtual void OnBody() noexcept = 0;
    // A piece of the request's body, please: Answer. False without memory.
    [[nodiscard]] virtual bool OnPull(uint64_t hint) noexcept = 0;
    // After OnHead: nothing is left of the request to be sent, or it will not be sent any more.
    virtual void OnSent() noexcept = 0;
    // The last call: the response is complete (null), or why not. May destroy the exchange.
    virtual void OnEnd(ErrorRef error) noexcept = 0;

   protected:
    ~Owner() = default;
  };

  // stream: the body is kept as it comes, for who reads it.
  Exchange(Client& client, Request request, bool stream, Owner* owner);
  // Aborts.
  ~Exchange();

  void Start() noexcept;
  // Closes the connection; the owner is told nothing more. Harmless after the end.
  void Abort() noexcept;
  // Ends it with this error, as if it had happened by itself.
  void Fail(ErrorRef error) noexcept;
  // The answer to OnPull; ignored if nobody needs it any more.
  void Answer(Status status, std::string piece, bool more, ErrorRef error) noexcept;
  void set_owner(Owner* owner) { owner_ = owner; }
  // Somebody waits for the body of a stream, or nobody does: the gap between two reads is measured
  // only while they do, and reading goes on if it was paused.
  void SetWaiting(bool waiting) noexcept;

  Phase phase() const { return connector_ ? connector_->phase() : phase_; }
  const Request& request() const { return request_; }
  ResponseHead& head() { return head_; }
  WholeBody& whole() { return whole_; }
  std::unique_ptr<StreamBody> TakeStream() { return std::move(stream_owned_); }
  const Times& times() const { return times_; }
  uint64_t body_bytes() const { return body_bytes_; }
  bool reused() const { return reused_; }
  bool tls() const { return request_.url.https(); }
  // After the head: the response has no body.
  bool no_body() const { return no_body_; }
  // There is more of the body to be pulled.
  bool pulls() const { return request_.pulled && sending(); }

 private:
  friend class Client;
  // What the response is for.
  enum class Use : uint8_t { kUndecided, kAnswer, kDiscard };

  void Begin(bool fresh) noexcept;
  void OnKept(std::unique_ptr<Connection> connection) noexcept override;
  void OnSlot(Slot slot) noexcept override;
  void OnConnected(std::unique_ptr<Transport> transport) noexcept override;
  void OnConnectFailed(ErrorRef error) noexcept override;
  void OnReadable() noexcept override;
  void OnWritable() noexcept override;
  void OnTimeout() noexcept override;
  void OnHead() noexcept override;
  void OnChunk(uint64_t size) noexcept override;
  void OnBody(const char* data, size_t size) noexcept override;

  void Attach(std::unique_ptr<Connection> connection) noexcept;
  void Send() noexcept;
  bool ReadOnce(bool* more) noexcept;
  bool Took(H1Parser::Verdict verdict, bool leftover) noexcept;
  bool Discard(H1Parser::Verdict verdict, bool leftover) noexcept;
  bool ParserFailed() noexcept;
  bool EndIsGood() const noexcept;
  void Finished(bool leftover) noexcept;
  void FollowRedirect() noexcept;
  void ReleaseConnection(bool leftover) noexcept;
  Nanos KeepFor() const;
  void Broken(ErrorRef error) noexcept;
  void FailWith(const Problem& problem, ErrorRef cause = {}) noexcept;
  void PoolTimeout() noexcept;
  void Stop() noexcept;
  ErrorRef Explain(ErrorRef error) const;
  ErrorRef AsError(const Problem& problem, ErrorRef cause = {}) const noexcept;
  bool sending() const { return !upload_.done() && !send_error_; }
  Nanos In(Nanos timeout) const noexcept;
  void AwaitHead() noexcept;
  void AwaitBody() noexcept;
  void SetTimer() noexcept;

  Client* client_;  // null after the end
  Request request_;
  Owner* owner_;
  Exchange* next_ = nullptr;  // of the client's
  Exchange* prev_ = nullptr;

  std::unique_ptr<Timer> pool_timer_;  // only with a timeout, only in line
  Slot slot_;                          // while connecting
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<Connection> connection_;
  H1Upload upload_;
  ResponseHead head_;
  WholeBody whole_;
  StreamBody* stream_ = nullptr;
  std::unique_ptr<StreamBody> stream_owned_;  // until the owner takes it
  Times times_;
  ErrorRef send_error_;  // writing failed; what was received before may still be an answer
  Problem problem_;      // found while parsing
  uint64_t body_bytes_ = 0;
  // What the connection's timer waits for: progress in sending; all of the head; the next bytes.
  Nanos send_by_ = kNever;
  Nanos head_by_ = kNever;
  Nanos read_by_ = kNever;
  Phase phase_ = Phase::kNone;
  Use use_ = Use::kUndecided;
  bool announced_ = false;  // the head of a stream
  bool no_body_ = false;
  bool reused_ = false;
  bool retried_ = false;
  bool sent_any_ = false;  // on any connection
  bool safe_ = true;       // requests before this one, of redirects, were idempotent
  bool paused_ = false;
  bool waiting_ = false;  // see SetWaiting
};

}  // namespace creche::http
