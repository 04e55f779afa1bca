// H2Exchange: sending, time, and its ends. See h2_receive.cc.
#include "http/h2/h2_exchange.h"

#include <algorithm>
#include <new>
#include <utility>

#include "http/h1/h1_writer.h"
#include "http/h2/h2_connection.h"
#include "http/h2/h2_head.h"
#include "http/h2/h2_tunnel.h"

namespace creche::http {

namespace {

// About what fits into a socket's buffer at once.
constexpr size_t kPullHint = 64 << 10;
constexpr size_t kFrameHead = 9;

}  // namespace

H2Exchange::H2Exchange(H2Connection& connection, Request* request, ResponseHead* head,
                       Attempt* attempt, Listener* listener) noexcept
    : connection_(connection),
      request_(request),
      head_(head),
      attempt_(attempt),
      listener_(listener),
      body_(request->body.bytes()),
      held_back_(request->expects()) {}

// ---- Sending ----

void H2Exchange::Start() noexcept {
  attempt_->phase = Phase::kSend;
  if (request_->route.upgrades && !connection_.settled()) {
    awaits_settings_ = true;
    send_by_ = In(request_->timeouts.send);
    return SetTimer();
  }
  if (ErrorRef error = Submit()) End(std::move(error));
}

void H2Exchange::OnSettled() noexcept {
  if (over_ || !std::exchange(awaits_settings_, false)) return;
  if (ErrorRef error = Submit()) Stop(std::move(error));
}

ErrorRef H2Exchange::Submit() noexcept {
  H2Session& session = connection_.session();
  IoContext& io = connection_.io();
  if (request_->route.upgrades && !session.takes_protocols()) {
    attempt_->unprocessed = attempt_->wants_http1 = true;
    return AsError({Status::kDisconnected,
                    "the server takes no WebSockets over HTTP/2: allow CRECHE_HTTP_1_1 in "
                    "versions"});
  }
  try {
    io.head = request_->connect;
    if (io.head.empty()) WriteHead(request_->Head(*request_->defaults), &io.usual, &io.head);
    const H2Head head(*request_, &io.head);
    if (head.list_size() > session.peer_max_head())
      return AsError({Status::kLimit,
                      "the server does not take so large a head: send fewer or "
                      "shorter header fields"});
    stream_ =
        session.Submit(this, head.fields(), head.count(), tunnels() || !request_->body.empty());
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
  if (stream_ <= 0) {
    connection_.FlushSoon();
    if (session.failed() != 0) return NoMemoryError();  // the connection has the same trouble
    attempt_->unprocessed = true;
    return AsError({Status::kDisconnected, "the connection takes no more requests"});
  }
  const bool waits = connection_.crowded();
  if (waits) attempt_->phase = Phase::kPool;
  send_by_ = In(waits ? request_->timeouts.pool : request_->timeouts.send);
  SetTimer();
  connection_.FlushSoon();
  return nullptr;
}

void H2Exchange::OnBegun() noexcept {
  begun_ = true;
  begins_at_ = connection_.filled();
  attempt_->sent = 1;
  if (attempt_->phase == Phase::kPool) attempt_->phase = Phase::kSend;
  send_by_ = In(request_->timeouts.send);
  SetTimer();
}

void H2Exchange::OnFilled(bool last) noexcept {
  filled_to_ = connection_.filled();
  if (!std::exchange(head_filled_, true)) {
    attempt_->sent = filled_to_ - begins_at_;
    if (request_->watch) request_->watch->SendBegun(attempt_->sent);
    TellSent();
  }
  if (last || tunnels()) return connection_.ToWrite(this);
  OnProgress();
}

void H2Exchange::OnProgress() noexcept {
  if (sent_ || over_ || pulling_) return;
  send_by_ = In(request_->timeouts.send);
  SetTimer();
}

void H2Exchange::OnWritten() noexcept {
  if (over_) return;
  sent_ = true;
  attempt_->sent_at = connection_.io().loop.now();
  send_by_ = kNever;
  if (head_done_) {
    Note(kSent);
    return AwaitBody();
  }
  attempt_->phase = Phase::kHeaders;
  head_by_ = After(attempt_->sent_at, request_->timeouts.first_byte);
  SetTimer();
}

size_t H2Exchange::BodyToSend(size_t most, bool* last) noexcept {
  waits_for_body_ = tunnels() || held_back_ || (body_.empty() && !request_->body.complete());
  if (!waits_for_body_) {
    const size_t size = std::min(most, body_.size());
    *last = size == body_.size() && request_->body.complete();
    return size;
  }
  if (over_ || tunnels()) return 0;
  send_by_ = kNever;  // from now on it is the user's time, or the server's to say 100 Continue
  if (!held_back_) {
    if (!pulling_) Note(kPull);
  } else if (continue_by_ == kNever) {
    attempt_->phase = Phase::kHeaders;
    continue_by_ = In(request_->continue_timeout);
  }
  SetTimer();
  return 0;
}

std::string_view H2Exchange::TakeBody(size_t size) noexcept {
  const std::string_view taken = body_.substr(0, size);
  body_.remove_prefix(size);
  attempt_->sent += kFrameHead + size;
  TellSent();
  return taken;
}

void H2Exchange::Answer(std::string piece, bool more) noexcept {
  if (!std::exchange(pulling_, false)) return;
  if (const Problem problem = request_->body.Take(piece.size(), more); problem.bad())
    return End(AsError(problem));
  piece_ = std::move(piece);
  body_ = piece_;
  SendOn();
}

// There is more to be sent.
void H2Exchange::SendOn() noexcept {
  send_by_ = In(request_->timeouts.send);
  SetTimer();
  if (waits_for_body_) connection_.session().Resume(stream_);
  waits_for_body_ = false;
  connection_.FlushSoon();
}

// ---- Time ----

Nanos H2Exchange::In(Nanos timeout) const noexcept {
  return After(connection_.io().loop.now(), timeout);
}

void H2Exchange::SetTimer() noexcept {
  due_ = over_ ? kNever : std::min({send_by_, continue_by_, head_by_, read_by_});
  connection_.Due(due_);
}

void H2Exchange::OnTime(Nanos now) noexcept {
  SetTimer();
  if (due_ > now) return;  // what was waited for has come
  if (continue_by_ <= now) return Continue();
  const char* text = "the next part of the body did not come in time: raise timeouts.read_gap";
  if (send_by_ <= now && attempt_->phase == Phase::kPool) {
    text =
        "the server did not allow one more request on the connection in time: raise "
        "timeouts.pool, or start fewer requests at a time";
  } else if (send_by_ <= now) {
    attempt_->phase = Phase::kSend;
    text = "the server did not take the request in time: raise timeouts.send";
  } else if (head_by_ <= now) {
    text = attempt_->answered ? "the head of the answer did not come to its end in time: raise "
                                "timeouts.first_byte"
                              : "no answer came in time: raise timeouts.first_byte";
  } else if (attempt_->phase == Phase::kHeaders) {
    text = "the head of the answer did not go on in time: raise timeouts.read_gap";
  }
  if (attempt_->phase != Phase::kPool) connection_.Doubt();
  Fail({Status::kTimeout, text});
}

// ---- Ends ----

void H2Exchange::Note(uint8_t what) noexcept {
  todo_ |= what;
  connection_.ToTell(this);
}

void H2Exchange::Stop(ErrorRef error) noexcept {
  if (over_) return;
  over_ = true;
  error_ = std::move(error);
  SetTimer();
  Note(kEnd);
}

void H2Exchange::Fail(const Problem& problem) noexcept {
  Stop(AsError(problem));
}

ErrorRef H2Exchange::AsError(const Problem& problem) const noexcept {
  try {
    return MakeError(problem.status, attempt_->phase, problem.text);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void H2Exchange::OnBroken(const ErrorRef& error, bool unsent) noexcept {
  if (over_) return;
  const bool lost = error->status() == Status::kDisconnected;
  attempt_->broken = lost;
  if (unsent) attempt_->sent = 0;
  if (!head_done_ || attempt_->granted || !lost) return Stop(error);
  try {
    Stop(MakeError({.status = Status::kTruncated,
                    .phase = attempt_->phase,
                    .message = connection_.Said("the connection broke inside the body"),
                    .cause = error}));
  } catch (const std::bad_alloc&) {
    Stop(NoMemoryError());
  }
}

// One thing, for it may be gone behind that.
void H2Exchange::Tell() noexcept {
  const auto take = [&](Todo one) {
    if ((todo_ & one) == 0) return false;
    todo_ = static_cast<uint8_t>(todo_ & ~one);
    if (todo_ != 0) connection_.ToTell(this);
    return true;
  };
  // With what the end comes with nobody is told of more, but that there is an answer.
  if (complete_ && head_told_) todo_ = static_cast<uint8_t>(todo_ & ~kReceived);
  if (over_) todo_ = static_cast<uint8_t>(todo_ & ~kPull);
  if (take(kReceived)) {
    head_told_ = true;
    [[maybe_unused]] const bool open = listener_->OnReceived();
  } else if (take(kSent)) {
    [[maybe_unused]] const bool open = listener_->OnSent();
  } else if (take(kPull)) {
    pulling_ = true;
    attempt_->pulled = request_->body.gone_once_pulled();
    const size_t window = connection_.session().SendWindow(stream_);
    if (!listener_->OnPull(std::clamp<size_t>(window, 1, kPullHint))) End(NoMemoryError());
  } else if (take(kEnd)) {
    End(std::move(error_));
  }
}

void H2Exchange::End(ErrorRef error) noexcept {
  Listener* const listener = listener_;
  connection_.Remove(this, complete_ ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
  listener->OnEnd(std::move(error));
}

std::unique_ptr<Transport> H2Exchange::Upgrade(std::string*) {
  auto tunnel =
      std::make_unique<H2Tunnel>(connection_, H2Tunnel::Begun{.stream = stream_,
                                                              .asked = waits_for_body_,
                                                              .ended = ended_,
                                                              .failure = error_,
                                                              .early = std::move(early_)});
  std::unique_ptr<Transport> end = tunnel->MakeEnd();
  connection_.Replace(this, tunnel.release());
  return end;
}

void H2Exchange::Abort() noexcept {
  // It may be given up for the very reason that nothing comes.
  if (begun_ && !attempt_->answered) connection_.Doubt();
  connection_.Remove(this, NGHTTP2_CANCEL);
}

}  // namespace creche::http
