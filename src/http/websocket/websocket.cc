// Websocket: receiving, and its ends. See websocket_send.cc.
#include "http/websocket/websocket.h"

#include <algorithm>
#include <new>

#include "http/websocket/operations.h"

namespace creche::http {

using tasks::Outcome;

namespace {

constexpr size_t kPiece = 16 << 10;
// So that one fast server does not keep all others waiting.
constexpr int kReadsAtATime = 4;
constexpr uint16_t kNoCode = 1005;
constexpr uint16_t kNoClose = 1006;

}  // namespace

Websocket::Websocket(Ref<Loop> loop, const WebsocketSettings& settings, WebsocketTerms terms)
    : loop_(std::move(loop)),
      settings_(settings),
      terms_(std::move(terms)),
      reader_(terms_.deflate, settings.max_message),
      deflater_(terms_.deflate.client_bits, terms_.deflate.client_takeover),
      heartbeat_(
          *loop_, [](void* self) noexcept { static_cast<Websocket*>(self)->OnHeartbeat(); }, this),
      close_timer_(
          *loop_, [](void* self) noexcept { static_cast<Websocket*>(self)->OnCloseTimeout(); },
          this) {}

void Websocket::Open(Calls* calls, Call::Upgraded upgraded) noexcept {
  const Ref<Websocket> alive = Ref<Websocket>::Share(this);
  calls_ = calls;
  calls->guests.PushBack(this);
  where_ = std::move(upgraded.where);
  reservation_ = std::move(upgraded.reservation);
  transport_ = std::move(upgraded.transport);
  counted_ = upgraded.counted;
  transport_->set_listener(this);
  heard_ = loop_->now();
  if (settings_.heartbeat != kNever && !heartbeat_.Arm(After(heard_, settings_.heartbeat)))
    return Lost(NoMemoryError());
  if (!upgraded.rest.empty()) Feed(upgraded.rest.data(), upgraded.rest.size());
}

// ---- Receiving ----

void Websocket::OnReadable() noexcept {
  const Ref<Websocket> alive = Ref<Websocket>::Share(this);
  char piece[kPiece];
  for (int i = 0; i < kReadsAtATime && transport_ && !paused_; i++) {
    const IoResult result = transport_->Read(piece, sizeof piece);
    if (result.state == Io::kLater) return;
    if (result.state != Io::kOk) {
      if (result.state == Io::kFailed) return Lost(transport_->Failure(Phase::kBody));
      return Lost(Fault(Status::kDisconnected, Phase::kBody,
                        "the server ended the connection without a close"));
    }
    if (!counted_) calls_->counters.bytes_received.Add(result.size);
    heard_ = loop_->now();
    awaiting_pong_ = false;
    Feed(piece, result.size);
    if (result.size < sizeof piece) return;
  }
}

void Websocket::Feed(const char* data, size_t size) noexcept {
  try {
    FeedAll(data, size);
  } catch (const std::bad_alloc&) {
    return Lost(NoMemoryError());
  }
  if (transport_) Write();
}

void Websocket::FeedAll(const char* data, size_t size) {
  using Step = FrameReader::Step;
  for (size_t at = 0; transport_ && !peer_closed_;) {
    switch (reader_.Next(data, size, &at)) {
      case Step::kMore:
        return PauseIfFull();
      case Step::kMessage:
        TakeMessage();
        break;
      case Step::kPing:
        // Where many wait to be answered, the last one is enough (RFC 6455, 5.5.3).
        if (pongs_.size() > kMostPongs) pongs_.clear();
        AppendFrame(Opcode::kPong, false, reader_.control(), NextMask(), &pongs_);
        break;
      case Step::kPong:
        break;
      case Step::kClose:
        OnPeerClosed(reader_.close_code(), reader_.control());
        return;
      case Step::kFailed: {
        const Problem& problem = reader_.problem();
        ErrorRef error = Fault(problem.status, Phase::kBody, problem.text);
        if (!close_said_ && out_.empty()) {
          SayClose(reader_.close_code(), problem.text);
          Write();
        }
        return Lost(std::move(error));
      }
    }
  }
}

void Websocket::TakeMessage() {
  if (close_wanted_ || close_said_) return;  // nobody wants it any more
  auto message = std::make_unique<Message>();
  message->text = reader_.text();
  message->bytes = std::move(reader_.message());
  held_ += message->bytes.size() + kOverhead;
  messages_.push_back(std::move(message));
  if (receiver_) Serve();
}

void Websocket::PauseIfFull() noexcept {
  if (paused_ || held_ < kHigh || close_wanted_ || close_said_) return;
  paused_ = true;
  transport_->PauseReading();
}

void Websocket::Receive(ReceiveOperation* operation) noexcept {
  if (receiver_)
    return operation->Done(Outcome::Failed(
        MakeError(Status::kState, Phase::kBody,
                  "another receive of this WebSocket is under way: wait for its completion")));
  receiver_ = operation;
  Serve();
}

// Gives the receiver what there is; it goes on waiting if that is nothing.
void Websocket::Serve() noexcept {
  Outcome outcome;
  if (!messages_.empty()) {
    std::unique_ptr<Message> message = std::move(messages_.front());
    messages_.pop_front();
    held_ -= message->bytes.size() + kOverhead;
    outcome.what = tasks::What::kMessage;
    outcome.code = message->text ? 1 : 2;
    outcome.data = message->bytes.c_str();
    outcome.size = message->bytes.size();
    outcome.held = std::move(message);
  } else if (failure_) {
    outcome = Outcome::Failed(failure_);
    outcome.code = kNoClose;
  } else if (peer_closed_ || !transport_) {
    outcome.what = tasks::What::kEnd;
    outcome.code = close_code_;
    outcome.data = close_reason_.c_str();
    outcome.size = close_reason_.size();
    try {
      auto reason = std::make_unique<Message>();
      reason->bytes = close_reason_;
      outcome.data = reason->bytes.c_str();
      outcome.held = std::move(reason);
    } catch (const std::bad_alloc&) {
      outcome.data = nullptr;
      outcome.size = 0;
    }
  } else {
    return;
  }
  std::exchange(receiver_, nullptr)->Done(std::move(outcome));
  if (!paused_ || held_ >= kLow || !transport_) return;
  paused_ = false;
  heard_ = loop_->now();
  if (ErrorRef error = transport_->ResumeReading()) Lost(std::move(error));
}

// ---- Closing ----

void Websocket::OnPeerClosed(uint16_t code, std::string_view reason) {
  peer_closed_ = true;
  close_code_ = code != 0 ? code : kNoCode;
  close_reason_ = reason;
  FailSends(Fault(Status::kClosed, Phase::kSend, "the server has closed the WebSocket"));
  if (!close_said_ && !close_wanted_) {
    close_payload_ = ClosePayload(code, {});
    close_wanted_ = true;
  }
  if (!close_timer_.armed() && !close_timer_.Arm(After(loop_->now(), settings_.close_timeout)))
    throw std::bad_alloc();
  if (receiver_) Serve();
}

void Websocket::Close(CloseOperation* operation, uint16_t code, std::string reason) noexcept {
  const Ref<Websocket> alive = Ref<Websocket>::Share(this);
  try {
    closers_.push_back(operation);
    if (!transport_) return Drop();
    if (!close_wanted_ && !close_said_) {
      close_payload_ = ClosePayload(code, reason);
      close_wanted_ = true;
      if (!close_timer_.Arm(After(loop_->now(), settings_.close_timeout))) throw std::bad_alloc();
    }
  } catch (const std::bad_alloc&) {
    closers_.erase(std::remove(closers_.begin(), closers_.end(), operation), closers_.end());
    return operation->Done(Outcome::Failed(NoMemoryError()));
  }
  // What comes now is not kept, so that the server's close is heard.
  if (std::exchange(paused_, false))
    if (ErrorRef error = transport_->ResumeReading()) return Lost(std::move(error));
  Write();
}

void Websocket::StopClosing(CloseOperation* operation) noexcept {
  closers_.erase(std::remove(closers_.begin(), closers_.end(), operation), closers_.end());
}

void Websocket::OnCloseTimeout() noexcept {
  const Ref<Websocket> alive = Ref<Websocket>::Share(this);
  // The server's close has come: only ours did not go out.
  if (peer_closed_) return Drop();
  Lost(Fault(Status::kTimeout, Phase::kClose,
             "the server did not answer the close in time: raise close_timeout"));
}

// ---- Ends ----

ErrorRef Websocket::Fault(Status status, Phase phase, const char* text) const noexcept {
  try {
    return MakeError(status, phase, where_ + ": " + text);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

// The connection is of no use any more.
void Websocket::Lost(ErrorRef error) noexcept {
  const Ref<Websocket> alive = Ref<Websocket>::Share(this);
  if (!transport_) return;
  if (!peer_closed_) {
    close_code_ = kNoClose;
    failure_ = std::move(error);
  }
  Drop();
}

// It is gone, or goes now: all are told.
void Websocket::Drop() noexcept {
  const Ref<Websocket> alive = Ref<Websocket>::Share(this);
  heartbeat_.Disarm();
  close_timer_.Disarm();
  if (std::exchange(calls_, nullptr)) List<Guest>::Remove(this);
  std::unique_ptr<Transport> transport = std::move(transport_);
  if (SendOperation* sending = std::exchange(sending_, nullptr))
    sending->Done(Outcome::Failed(Gone()));
  FailSends(Gone());
  if (receiver_) Serve();
  while (!closers_.empty()) {
    CloseOperation* const closer = closers_.front();
    closers_.pop_front();
    Outcome outcome;
    outcome.code = close_code_;
    if (failure_ && failure_->status() == Status::kTimeout) outcome = Outcome::Failed(failure_);
    closer->Done(std::move(outcome));
  }
  if (transport) Detach();
  transport.reset();
  reservation_.GiveBack();
}

// Why nothing can be sent.
ErrorRef Websocket::Gone() const noexcept {
  if (failure_) return failure_;
  return MakeError(Status::kClosed, Phase::kSend, "the WebSocket was closed");
}

// Its user goes: a close is sent if that is possible at once.
void Websocket::Leave(uint16_t code) noexcept {
  const Ref<Websocket> alive = Ref<Websocket>::Share(this);
  if (!transport_) return;
  try {
    if (!close_said_ && out_.empty() && sends_.empty()) {
      SayClose(code, {});
      WriteAll();
    }
    if (!failure_ && !peer_closed_)
      failure_ = MakeError(Status::kClosed, Phase::kBody, where_ + ": the WebSocket was given up");
  } catch (const std::bad_alloc&) {
    failure_ = NoMemoryError();
  }
  close_code_ = kNoClose;
  if (transport_) Drop();
}

void Websocket::Released() noexcept {
  release_.Submit(*loop_);  // refused by a loop that has ended with everything
}

void Websocket::GiveBack() noexcept {
  Leave(1001);
}

void Websocket::OnSessionClosed(const ErrorRef& error) noexcept {
  calls_ = nullptr;  // the list is theirs
  Lost(error);
}

void Websocket::OnHeartbeat() noexcept {
  const Nanos now = loop_->now();
  const Nanos every = settings_.heartbeat;
  Nanos next = After(now, every);
  if (paused_ || peer_closed_) {
    awaiting_pong_ = false;  // nothing is listened for
  } else if (awaiting_pong_ && pinged_ != 0) {
    if (now - pinged_ >= every)
      return Lost(Fault(Status::kTimeout, Phase::kBody,
                        "no answer to a ping came in time: the server, or the way to it, is gone"));
    next = After(pinged_, every);
  } else if (!awaiting_pong_ && now - heard_ >= every) {
    awaiting_pong_ = ping_wanted_ = true;
    pinged_ = 0;  // until it has gone out, perhaps behind a large message
    Write();
    if (!transport_) return;
  } else if (!awaiting_pong_) {
    next = After(heard_, every);
  }
  if (!heartbeat_.Arm(std::max(next, now + kMillisecond))) Lost(NoMemoryError());
}

}  // namespace creche::http
