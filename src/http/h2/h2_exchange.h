// H2Exchange: one exchange on a connection that speaks HTTP/2: a stream. Loop's thread only.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/blocks.h"
#include "core/buffer.h"
#include "http/exchange.h"
#include "http/h2/h2_stream.h"
#include "http/h2/receive_window.h"
#include "http/problem.h"
#include "http/request.h"

namespace creche::http {

class H2Connection;

class H2Exchange final : public Exchange, public H2Stream, public FromBlocks {
 public:
  // All of it must outlive the exchange.
  H2Exchange(H2Connection& connection, Request* request, ResponseHead* head, Attempt* attempt,
             Listener* listener) noexcept;

  void Start() noexcept override;
  void Answer(std::string piece, bool more) noexcept override;
  void ReadOn() noexcept override;
  bool pulling() const noexcept override { return pulling_; }
  bool sending() const noexcept override { return !sent_ && !body_withheld_; }
  std::unique_ptr<Transport> Upgrade(std::string* rest) override;
  void Abort() noexcept override;

 private:
  void OnHeadBegins() noexcept override;
  bool OnField(std::string_view name, std::string_view value) noexcept override;
  void OnHeadEnds(bool last) noexcept override;
  void OnDataBegins(size_t size) noexcept override { announced_ = attempt_->body_bytes + size; }
  void OnData(const char* data, size_t size) noexcept override;
  void OnLastData() noexcept override;
  void OnInvalid(const char* why) noexcept override;
  void OnClosed(bool by_peer, uint32_t code) noexcept override;
  void OnBegun() noexcept override;
  void OnFilled(bool last) noexcept override;
  size_t BodyToSend(size_t most, bool* last) noexcept override;
  std::string_view TakeBody(size_t size) noexcept override;
  void OnSettled() noexcept override;
  void Tell() noexcept override;
  void OnWritten() noexcept override;
  void OnProgress() noexcept override;
  void OnBroken(const ErrorRef& error, bool unsent) noexcept override;
  void OnTime(Nanos now) noexcept override;

  // What the listener is to know.
  enum Todo : uint8_t { kReceived = 1, kSent = 2, kPull = 4, kEnd = 8 };
  void Note(uint8_t what) noexcept;
  // Null: the request is on its way.
  ErrorRef Submit() noexcept;
  // What follows the head is another protocol's, if the server grants it.
  bool tunnels() const noexcept { return request_->route.upgrades || !request_->connect.empty(); }
  // It ends with this, unless it has ended.
  void Stop(ErrorRef error) noexcept;
  void Fail(const Problem& problem) noexcept;
  ErrorRef AsError(const Problem& problem) const noexcept;
  ErrorRef ResetError(bool by_peer, uint32_t code) noexcept;
  void TakeHead(bool last) noexcept;
  void Continue() noexcept;
  void SendOn() noexcept;
  void TellSent() noexcept {
    if (request_->watch) request_->watch->Sent(attempt_->sent);
  }
  void End(ErrorRef error) noexcept;

  Nanos In(Nanos timeout) const noexcept;
  void AwaitBody() noexcept;
  void GiveRoom(size_t size) noexcept;
  void SetTimer() noexcept;

  H2Connection& connection_;
  Request* const request_;
  ResponseHead* const head_;
  Attempt* const attempt_;
  Listener* const listener_;
  BodySink* sink_ = nullptr;  // from the head on; null then: the body is read over
  ErrorRef error_;            // with kEnd; null: it is complete
  std::string_view body_;     // to be sent: of the request, or of piece_
  std::string piece_;
  std::unique_ptr<ResponseHead> trailer_;
  Buffer early_;            // of a tunnel: what came behind the head
  Problem invalid_;         // what the session found
  uint64_t length_ = 0;     // of the body, as its head says
  uint64_t announced_ = 0;  // bytes of it, with the frame that comes
  size_t head_size_ = 0;    // of the list of fields so far
  ReceiveWindow window_;    // for the body
  size_t held_ = 0;         // bytes of the body that the peer may not send others for
  // What it waits for: progress in sending; 100 Continue; all of the head; the next bytes.
  Nanos send_by_ = kNever;
  Nanos continue_by_ = kNever;
  Nanos head_by_ = kNever;
  Nanos read_by_ = kNever;
  uint8_t todo_ = 0;
  uint8_t informational_ = 0;
  bool head_filled_ = false;
  bool sent_ = false;
  bool pulling_ = false;
  bool waits_for_body_ = false;  // the session was told that there is none now
  bool held_back_ = false;       // the body waits for 100 Continue
  bool body_withheld_ = false;   // the answer came before: it is never sent
  bool head_done_ = false;
  bool head_told_ = false;
  bool paused_ = false;
  bool complete_ = false;         // the answer is
  bool awaits_settings_ = false;  // before it is begun
  bool ended_ = false;            // of a tunnel: the server says nothing more
  bool over_ = false;             // kEnd was noted
};

}  // namespace creche::http
