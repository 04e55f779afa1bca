#include "http/exchange.h"

#include <algorithm>
#include <new>

#include "http/h1/h1_writer.h"
#include "http/session.h"

namespace creche::http {

namespace {

// About what fits into a socket's buffer at once.
constexpr uint64_t kPullHint = 64 << 10;

}  // namespace

Exchange::Exchange(Client& client, Request request, bool stream, Owner* owner)
    : client_(&client), request_(std::move(request)), owner_(owner) {
  if (stream) {
    stream_owned_ = std::make_unique<StreamBody>();
    stream_ = stream_owned_.get();
  }
  times_.started = request_.started;
  client.Add(this);
}

Exchange::~Exchange() {
  Stop();
}

// ---- A connection ----

void Exchange::Start() noexcept {
  client_->counters.requests.Add();
  Begin(false);
}

void Exchange::Begin(bool fresh) noexcept {
  phase_ = Phase::kPool;
  use_ = Use::kUndecided;
  problem_ = {};
  send_error_ = {};
  send_by_ = head_by_ = read_by_ = kNever;
  Client& client = *client_;
  OriginPool::Answer answer;
  try {
    answer = client.pool.Acquire(request_.url.origin(), fresh, this);
    if (answer == OriginPool::Answer::kGiven) return;  // and much may have happened
    if (answer == OriginPool::Answer::kWaiting && request_.timeouts.pool != kNever) {
      pool_timer_ = std::make_unique<Timer>(
          client.loop, [](void* self) noexcept { static_cast<Exchange*>(self)->PoolTimeout(); },
          this);
      if (!pool_timer_->Arm(After(client.loop.now(), request_.timeouts.pool)))
        Fail(NoMemoryError());
    }
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  if (answer == OriginPool::Answer::kFull)
    FailWith({Status::kLimit,
              "too many requests wait for a connection: raise max_waiting or limit, or start fewer "
              "at a time"});
}

void Exchange::PoolTimeout() noexcept {
  FailWith({Status::kTimeout,
            "no connection of the session became free in time: raise limit, limit_per_host or "
            "timeouts.pool, or start fewer requests at a time"});
}

void Exchange::OnKept(std::unique_ptr<Connection> connection) noexcept {
  client_->counters.reuses.Add();
  reused_ = true;
  Attach(std::move(connection));
}

void Exchange::OnSlot(Slot slot) noexcept {
  pool_timer_.reset();
  reused_ = false;
  slot_ = std::move(slot);
  Client& client = *client_;
  try {
    connector_ = MakeConnector(client.loop, client.resolver, client.tls, request_.url,
                               request_.timeouts, this);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  connector_->Start();
  client.counters.dns_lookups.Set(client.resolver.lookups());
}

void Exchange::OnConnectFailed(ErrorRef error) noexcept {
  phase_ = connector_->phase();
  Fail(std::move(error));
}

void Exchange::OnConnected(std::unique_ptr<Transport> transport) noexcept {
  client_->counters.connects.Add();
  connector_.reset();
  std::unique_ptr<Connection> connection;
  try {
    connection =
        std::make_unique<Connection>(client_->loop, std::move(transport), std::move(slot_));
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  Attach(std::move(connection));
}

void Exchange::Attach(std::unique_ptr<Connection> connection) noexcept {
  pool_timer_.reset();
  connection_ = std::move(connection);
  connection_->set_user(this);
  times_.connected = client_->loop.now();
  connection_->parser().Begin(request_.head(), client_->settings.max_header_bytes, request_.lenient,
                              &head_, this);
  try {
    std::string& head = client_->head;
    head.clear();
    WriteHead({request_.method, request_.url, request_.headers, client_->settings.headers,
               client_->settings.user_agent, request_.decode, request_.withheld, request_.framing,
               request_.body_size},
              &head);
    upload_.Begin(request_, head);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  phase_ = Phase::kSend;
  Send();
}

// ---- Sending ----

// Sends what there is to send.
void Exchange::Send() noexcept {
  const uint64_t before = upload_.sent();
  H1Upload::Step step;
  try {
    step = upload_.Write(&connection_->transport());
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  client_->counters.bytes_sent.Add(upload_.sent() - before);
  sent_any_ = sent_any_ || upload_.sent() > 0;
  send_by_ = kNever;
  switch (step) {
    case H1Upload::Step::kDone:
      times_.sent = client_->loop.now();
      if (connection_->parser().head_done()) {
        AwaitBody();
        if (announced_) owner_->OnSent();
        return;
      }
      phase_ = Phase::kHeaders;
      head_by_ = After(times_.sent, request_.timeouts.first_byte);
      return AwaitHead();
    case H1Upload::Step::kBlocked:
      send_by_ = In(request_.timeouts.send);
      return SetTimer();
    case H1Upload::Step::kPull:
      SetTimer();  // the user's time, not the server's
      if (!owner_->OnPull(kPullHint)) Fail(NoMemoryError());
      return;
    case H1Upload::Step::kFailed:
      // A server that refuses a request may answer, close, and never read the rest.
      send_error_ = connection_->transport().Failure(Phase::kSend);
      if (connection_->parser().head_done()) AwaitBody();
      if (announced_) owner_->OnSent();
      if (!paused_) OnReadable();  // else what is there is for who reads on
      return;
  }
}

void Exchange::OnWritable() noexcept {
  if (sending() && !upload_.pulling()) Send();
}

void Exchange::Answer(Status status, std::string piece, bool more, ErrorRef error) noexcept {
  if (!client_ || !connection_ || !upload_.pulling() || send_error_) return;
  if (status != Status::kOk)
    return FailWith({Status::kBody, "the request's body could not be produced"}, std::move(error));
  Problem problem;
  try {
    problem = upload_.Add(std::move(piece), more);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  if (problem.bad()) return FailWith(problem);
  Send();
}

// ---- Time ----

Nanos Exchange::In(Nanos timeout) const noexcept {
  return After(client_->loop.now(), timeout);
}

void Exchange::SetTimer() noexcept {
  connection_->timer().Set(std::min({send_by_, head_by_, read_by_}));
}

// The request has been sent: all of the answer's head is to come in first_byte, however often
// something comes before it; a head that has begun goes on in read_gap.
void Exchange::AwaitHead() noexcept {
  read_by_ = connection_->parser().head_open() ? In(request_.timeouts.read_gap) : kNever;
  SetTimer();
}

// More of the body is to come in read_gap, if somebody waits for it, and the server need not wait
// for more of the request.
void Exchange::AwaitBody() noexcept {
  const bool waits = !sending() && !paused_ && (!stream_ || waiting_);
  read_by_ = waits ? In(request_.timeouts.read_gap) : kNever;
  SetTimer();
}

void Exchange::OnTimeout() noexcept {
  const Nanos now = client_->loop.now();
  const char* text = "the next part of the body did not come in time: raise timeouts.read_gap";
  if (send_by_ <= now) {
    phase_ = Phase::kSend;
    text = "the server did not take the request in time: raise timeouts.send";
  } else if (use_ == Use::kDiscard) {  // where to go is known
    connection_.reset();
    return FollowRedirect();
  } else if (head_by_ <= now) {
    text = connection_->parser().started()
               ? "the head of the answer did not come to its end in time: raise "
                 "timeouts.first_byte"
               : "no answer came in time: raise timeouts.first_byte";
  } else if (phase_ == Phase::kHeaders) {
    text = "the head of the answer did not go on in time: raise timeouts.read_gap";
  }
  FailWith({Status::kTimeout, text});
}

}  // namespace creche::http
