// H1Exchange: sending, time, and its ends. See h1_receive.cc.
#include "http/h1/h1_exchange.h"

#include <algorithm>
#include <new>
#include <utility>

#include "http/h1/h1_writer.h"

namespace creche::http {

namespace {

// About what fits into a socket's buffer at once.
constexpr uint64_t kPullHint = 64 << 10;

}  // namespace

H1Exchange::H1Exchange(IoContext& io, std::unique_ptr<Transport> transport)
    : io_(io),
      owned_(std::move(transport)),
      transport_(*owned_),
      timer_(
          io.loop, [](void* self) noexcept { static_cast<H1Exchange*>(self)->OnTimeout(); }, this) {
}

void H1Exchange::Begin(Request* request, ResponseHead* head, Attempt* attempt,
                       Listener* listener) noexcept {
  request_ = request;
  head_ = head;
  attempt_ = attempt;
  listener_ = listener;
  sink_ = nullptr;
  send_error_ = {};
  problem_ = {};
  send_by_ = continue_by_ = head_by_ = read_by_ = kNever;
  keep_for_ = 0;
  head_told_ = paused_ = body_withheld_ = false;
  behind_ = {};
  parser_.Begin(request->head(), request->max_head, request->lenient, head, this,
                request->route.upgrades);
}

// ---- Sending ----

void H1Exchange::Start() noexcept {
  attempt_->phase = Phase::kSend;
  try {
    io_.head.clear();
    WriteHead(request_->Head(*request_->defaults), &io_.usual, &io_.head);
  } catch (const std::bad_alloc&) {
    return End(NoMemoryError());
  }
  if (request_->watch) request_->watch->SendBegun(io_.head.size());
  upload_.Begin(io_.head, &request_->body, request_->expects());
  Send();
}

// Sends what there is to send.
void H1Exchange::Send() noexcept {
  H1Upload::Step step;
  try {
    step = upload_.Write(&transport_);
  } catch (const std::bad_alloc&) {
    return End(NoMemoryError());
  }
  io_.counters.bytes_sent.Add(upload_.sent() - attempt_->sent);
  attempt_->sent = upload_.sent();
  if (request_->watch) request_->watch->Sent(attempt_->sent);
  send_by_ = kNever;
  switch (step) {
    case H1Upload::Step::kDone:
      attempt_->sent_at = io_.loop.now();
      if (parser_.head_done()) {
        AwaitBody();
        [[maybe_unused]] const bool open = listener_->OnSent();
        return;
      }
      attempt_->phase = Phase::kHeaders;
      head_by_ = After(attempt_->sent_at, request_->timeouts.first_byte);
      return AwaitHead();
    case H1Upload::Step::kBlocked:
      send_by_ = In(request_->timeouts.send);
      return SetTimer();
    case H1Upload::Step::kHeld:
      attempt_->phase = Phase::kHeaders;
      if (parser_.continued()) return SendBody();
      if (continue_by_ == kNever) continue_by_ = In(request_->continue_timeout);
      return SetTimer();
    case H1Upload::Step::kPull:
      SetTimer();  // the user's time, not the server's
      attempt_->pulled = request_->body.gone_once_pulled();
      if (!listener_->OnPull(kPullHint)) End(NoMemoryError());
      return;
    case H1Upload::Step::kFailed:
      return SendingFailed();
  }
}

// The server wants the body that it was asked about, or has said nothing for long.
void H1Exchange::SendBody() noexcept {
  continue_by_ = kNever;
  attempt_->phase = Phase::kSend;
  upload_.GoOn();
  Send();
}

// A server that refuses a request may answer, close, and never read the rest.
void H1Exchange::SendingFailed() noexcept {
  send_error_ = transport_.Failure(Phase::kSend);
  if (parser_.head_done()) {
    AwaitBody();
    if (!listener_->OnSent()) return;
  }
  if (!paused_) OnReadable();  // else what is there is for who reads on
}

void H1Exchange::OnWritable() noexcept {
  if (sending() && !upload_.pulling()) Send();
}

void H1Exchange::Answer(std::string piece, bool more) noexcept {
  if (!pulling()) return;
  Problem problem;
  try {
    problem = upload_.Add(std::move(piece), more);
  } catch (const std::bad_alloc&) {
    return End(NoMemoryError());
  }
  if (problem.bad()) return Fail(problem);
  Send();
}

// ---- Time ----

void H1Exchange::SetTimer() noexcept {
  timer_.Set(std::min({send_by_, continue_by_, head_by_, read_by_}));
}

// The request has been sent: all of the answer's head is to come in first_byte, however often
// something comes before it; a head that has begun goes on in read_gap.
void H1Exchange::AwaitHead() noexcept {
  read_by_ = parser_.head_open() ? In(request_->timeouts.read_gap) : kNever;
  SetTimer();
}

// More of the body is to come in read_gap, if somebody waits for it, and the server need not wait
// for more of the request.
void H1Exchange::AwaitBody() noexcept {
  if (sink_ && sink_->patience() != 0) return SetTimer();
  const bool waits = !sending() && !paused_ && (!sink_ || sink_->awaited());
  read_by_ = waits ? In(request_->timeouts.read_gap) : kNever;
  SetTimer();
}

void H1Exchange::OnTimeout() noexcept {
  const Nanos now = io_.loop.now();
  if (continue_by_ <= now) return SendBody();
  const char* text = "the next part of the body did not come in time: raise timeouts.read_gap";
  if (send_by_ <= now) {
    attempt_->phase = Phase::kSend;
    text = "the server did not take the request in time: raise timeouts.send";
  } else if (head_by_ <= now) {
    text = parser_.started() ? "the head of the answer did not come to its end in time: raise "
                               "timeouts.first_byte"
                             : "no answer came in time: raise timeouts.first_byte";
  } else if (attempt_->phase == Phase::kHeaders) {
    text = "the head of the answer did not go on in time: raise timeouts.read_gap";
  }
  Fail({Status::kTimeout, text});
}

// ---- Ends ----

// The connection is dead, or was so before.
void H1Exchange::ConnectionBroke(ErrorRef error) noexcept {
  attempt_->broken = true;
  if (parser_.head_done() && error->status() == Status::kDisconnected)
    return Fail({Status::kTruncated, "the connection broke inside the body"}, std::move(error));
  End(std::move(error));
}

void H1Exchange::Fail(const Problem& problem, ErrorRef cause) noexcept {
  End(AsError(problem, std::move(cause)));
}

ErrorRef H1Exchange::AsError(const Problem& problem, ErrorRef cause) const noexcept {
  try {
    return MakeError({.status = problem.status,
                      .phase = attempt_->phase,
                      .message = problem.text,
                      .cause = std::move(cause)});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void H1Exchange::End(ErrorRef error) noexcept {
  Listener* listener = listener_;
  Close();
  listener->OnEnd(std::move(error));
}

std::unique_ptr<Transport> H1Exchange::Upgrade(std::string* rest) {
  rest->assign(behind_);
  Close();
  return std::move(owned_);
}

void H1Exchange::Close() noexcept {
  listener_ = nullptr;
  timer_.Clear();
  upload_.End();
}

}  // namespace creche::http
