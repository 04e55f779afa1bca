// H2Exchange: one exchange on a connection that speaks HTTP/2: a stream. Loop's thread only.
//
// Frames are told of by the session, in the middle of something: then it only writes down what has
// happened, and the connection has it tell its listener when all that came has been read (Tell).
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/blocks.h"
#include "core/list.h"
#include "http/exchange.h"
#include "http/h2/receive_window.h"
#include "http/problem.h"
#include "http/request.h"

namespace creche::http {

class H2Connection;

class H2Exchange final : public Exchange,
                         public FromBlocks,
                         public ListNode<H2Exchange>,
                         public ListNode<H2Exchange, struct ToTell>,
                         public ListNode<H2Exchange, struct ToWrite> {
 public:
  // All of it must outlive the exchange.
  H2Exchange(H2Connection& connection, Request* request, ResponseHead* head, Attempt* attempt,
             Listener* listener) noexcept;

  void Start() noexcept override;
  void Answer(std::string piece, bool more) noexcept override;
  void ReadOn() noexcept override;
  bool pulling() const noexcept override { return pulling_; }
  bool sending() const noexcept override { return !sent_ && !body_withheld_; }
  void Abort() noexcept override;

  // The session's, inside Receive and Fill.
  void OnHeadBegins() noexcept;
  // False: it is refused.
  bool OnField(std::string_view name, std::string_view value) noexcept;
  void OnHeadEnds(bool last) noexcept;
  // A frame with so many bytes of the body, at most.
  void OnDataBegins(size_t size) noexcept { announced_ = attempt_->body_bytes + size; }
  void OnData(const char* data, size_t size) noexcept;
  void OnLastData() noexcept;
  void OnInvalid(const char* why) noexcept;
  // The stream is over; by whom, and why.
  void OnClosed(bool by_peer, uint32_t code) noexcept;
  // The head goes out.
  void OnBegun() noexcept;
  // A frame has gone out. last: nothing follows.
  void OnFilled(bool last) noexcept;
  // How many of up to `most` bytes of the body there are; 0: none now, or, if *last, ever.
  size_t BodyToSend(size_t most, bool* last) noexcept;
  std::string_view TakeBody(size_t size) noexcept;

  // The connection's. One thing that its listener is to know; the exchange may be gone behind it.
  void Tell() noexcept;
  // All that was filled has been written.
  void OnWritten() noexcept;
  // Some of it was.
  void OnProgress() noexcept;
  // The connection is of no use any more. unsent: before anything of this one had left.
  void OnBroken(const ErrorRef& error, bool unsent) noexcept;
  // When OnTime is due; kNever for never.
  Nanos due() const noexcept { return due_; }
  void OnTime(Nanos now) noexcept;

  int32_t stream() const noexcept { return stream_; }
  // In all that the connection has sent: where its head begins, where what was filled last ends.
  uint64_t begins_at() const noexcept { return begins_at_; }
  uint64_t filled_to() const noexcept { return filled_to_; }
  bool begun() const noexcept { return begun_; }

 private:
  // What the listener is to know.
  enum Todo : uint8_t { kReceived = 1, kSent = 2, kPull = 4, kEnd = 8 };
  void Note(uint8_t what) noexcept;
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
  Problem invalid_;  // what the session found
  uint64_t begins_at_ = 0;
  uint64_t filled_to_ = 0;
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
  Nanos due_ = kNever;
  int32_t stream_ = 0;  // 0: none yet, or it is closed
  uint8_t todo_ = 0;
  uint8_t informational_ = 0;
  bool begun_ = false;
  bool head_filled_ = false;
  bool sent_ = false;
  bool pulling_ = false;
  bool waits_for_body_ = false;  // the session was told that there is none now
  bool held_back_ = false;       // the body waits for 100 Continue
  bool body_withheld_ = false;   // the answer came before: it is never sent
  bool head_done_ = false;
  bool head_told_ = false;
  bool paused_ = false;
  bool complete_ = false;  // the answer is
  bool over_ = false;      // kEnd was noted
};

}  // namespace creche::http
