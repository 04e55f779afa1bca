// H1Exchange: one exchange after the other on a connection that speaks HTTP/1.1. It is a part of
// that connection, so that an exchange needs no memory of its own. Loop's thread only.
//
//   send -> headers -> body -> end
//
// Both directions go on side by side: the answer may begin, and end, while the request is sent.
#pragma once
#include <memory>

#include "core/transport.h"
#include "http/exchange.h"
#include "http/h1/h1_parser.h"
#include "http/h1/h1_upload.h"
#include "http/io_context.h"
#include "http/lazy_timer.h"
#include "http/problem.h"
#include "http/request.h"

namespace creche::http {

class H1Exchange final : public Exchange, private H1Parser::Sink {
 public:
  H1Exchange(IoContext& io, std::unique_ptr<Transport> transport);
  Transport& transport() noexcept { return transport_; }

  // The next one: all of it must outlive the exchange.
  void Begin(Request* request, ResponseHead* head, Attempt* attempt, Listener* listener) noexcept;
  bool open() const noexcept { return listener_ != nullptr; }
  // After its end: for how long the connection may be kept for the next one; 0: it may not.
  Nanos keep_for() const noexcept { return keep_for_; }

  void Start() noexcept override;
  void Answer(std::string piece, bool more) noexcept override;
  void ReadOn() noexcept override;
  bool pulling() const noexcept override { return upload_.pulling() && !send_error_; }
  bool sending() const noexcept override {
    return !upload_.done() && !send_error_ && !body_withheld_;
  }
  std::unique_ptr<Transport> Upgrade(std::string* rest) override;
  void Abort() noexcept override { Close(); }
  // The connection's, while it is open.
  void OnReadable() noexcept;
  void OnWritable() noexcept;

 private:
  void OnHead() noexcept override;
  void OnInformational() noexcept override;
  void OnChunk(uint64_t size) noexcept override;
  void OnBody(const char* data, size_t size) noexcept override;

  void Send() noexcept;
  void SendingFailed() noexcept;
  void SendBody() noexcept;
  bool ReadOnce(bool* more) noexcept;
  char* WhereToRead(size_t* room) noexcept;
  bool Act(H1Parser::Verdict verdict, bool leftover) noexcept;
  bool ReadOver(H1Parser::Verdict verdict, bool leftover) noexcept;
  bool ParserFailed() noexcept;
  bool BreakIsEnd() const noexcept;
  Nanos KeepFor() const noexcept;

  void Finish(bool leftover) noexcept;
  void ConnectionBroke(ErrorRef error) noexcept;
  void Fail(const Problem& problem, ErrorRef cause = {}) noexcept;
  ErrorRef AsError(const Problem& problem, ErrorRef cause = {}) const noexcept;
  void End(ErrorRef error) noexcept;
  void Close() noexcept;

  Nanos In(Nanos timeout) const noexcept { return After(io_.loop.now(), timeout); }
  void AwaitHead() noexcept;
  void AwaitBody() noexcept;
  void SetTimer() noexcept;
  void OnTimeout() noexcept;

  IoContext& io_;
  std::unique_ptr<Transport> owned_;  // until it is another protocol's
  Transport& transport_;
  H1Parser parser_;
  H1Upload upload_;
  LazyTimer timer_;
  Request* request_ = nullptr;
  ResponseHead* head_ = nullptr;
  Attempt* attempt_ = nullptr;
  Listener* listener_ = nullptr;  // null: none is open
  BodySink* sink_ = nullptr;      // from the head on; null then: the body is read over
  ErrorRef send_error_;           // writing failed; what was received before may still be an answer
  Problem problem_;               // found while parsing
  std::string_view behind_;       // in OnReceived: what came behind the answer
  // What the timer waits for: progress in sending; 100 Continue; all of the head; the next bytes.
  Nanos send_by_ = kNever;
  Nanos continue_by_ = kNever;  // 100 Continue, or the body is sent without
  Nanos head_by_ = kNever;
  Nanos read_by_ = kNever;
  Nanos keep_for_ = kNever;  // nothing has been said on it yet
  bool head_told_ = false;
  bool paused_ = false;
  bool body_withheld_ = false;  // the answer came before the body was begun: it never is
  bool large_ = false;  // the last body with a length was larger than what is received at once
};

}  // namespace creche::http
