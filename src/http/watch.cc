#include "http/watch.h"

#include <new>
#include <utility>
#include <vector>

#include "http/request.h"
#include "http/response_head.h"
#include "http/traceparent.h"
#include "platform/user_code.h"
#include "tasks/api.h"

namespace creche::http {

namespace {
constexpr uint64_t BitOf(WatchEvent event) {
  return uint64_t{1} << static_cast<uint32_t>(event);
}
}  // namespace

void Hook::Tell(const WatchFields& fields) const noexcept {
  if (Wants(fields.event)) platform::CallUser(tell, user, &fields);
}

bool Hook::Wants(WatchEvent event) const noexcept {
  return tell && (events & BitOf(event)) != 0;
}

void Watch::Begin(uint64_t task, Request* request) noexcept {
  task_ = task;
  const Hook& hook = own_.traceparent ? own_ : session_;
  if (!hook.traceparent || request->headers.Has(kTraceparent)) return;
  void* context = nullptr;
  if (tasks::GetContext(task, &context) != Status::kOk) return;
  char text[kTraceparentSize + 1] = {};
  const size_t size =
      platform::CallUser(hook.traceparent, hook.user, context, &text[0], sizeof text);
  if (size != kTraceparentSize || !IsTraceparent({text, size})) return;
  try {
    (void)request->headers.Add(kTraceparent, {text, size});
  } catch (const std::bad_alloc&) {
  }
}

WatchFields Watch::Fields(WatchEvent event) const noexcept {
  WatchFields f{};
  f.size = sizeof f;
  f.event = event;
  f.task = task_;
  f.user = user_;
  f.time = loop_.now();
  f.http_status = http_status_;
  f.method = method_.c_str();
  f.url = url_.c_str();
  if (connection_) {
    f.connection = connection_->id;
    f.peer = connection_->peer.c_str();
  }
  return f;
}

void Watch::Tell(const WatchFields& fields) const noexcept {
  session_.Tell(fields);
  own_.Tell(fields);
}

void Watch::Remember(const Request& request) noexcept {
  try {
    method_ = request.method;
    url_ = request.url.shown();
  } catch (const std::bad_alloc&) {
    url_.clear();
  }
}

void Watch::Started(const Request& request) noexcept {
  Remember(request);
  started_ = request.started;
  http_status_ = 0;
  ended_ = false;
  Tell(WatchEvent::kRequestStart);
}

void Watch::Ended(Status status, const ErrorRef& error) noexcept {
  if (ended_) return;
  Unqueue();
  if (opening_) Opened(static_cast<int32_t>(status), error);
  ended_ = true;
  WatchFields f = Fields(WatchEvent::kRequestEnd);
  f.status = static_cast<int32_t>(status);
  f.error = error ? &error->fields() : nullptr;
  f.duration = f.time - started_;
  f.bytes = received_;
  Tell(f);
}

void Watch::Redirected(const Request& request, uint32_t status) noexcept {
  http_status_ = status;
  Remember(request);
  Tell(WatchEvent::kRedirect);
}

void Watch::Again() noexcept {
  Tell(WatchEvent::kAgain);
}

// ---- Its connection ----

void Watch::Queued() noexcept {
  queued_ = true;
  connection_ = nullptr;
  WatchFields f = Fields(WatchEvent::kQueueStart);
  queued_since_ = f.time;
  Tell(f);
}

void Watch::Unqueue() noexcept {
  if (!std::exchange(queued_, false)) return;
  WatchFields f = Fields(WatchEvent::kQueueEnd);
  f.duration = f.time - queued_since_;
  Tell(f);
}

void Watch::Opening() noexcept {
  Unqueue();
  connection_ = nullptr;
  WatchFields f = Fields(WatchEvent::kConnectionStart);
  opening_since_ = f.time;
  opening_ = true;
  Tell(f);
}

// What has begun ends, one way or another.
void Watch::Opened(int32_t status, const ErrorRef& error) noexcept {
  opening_ = false;
  WatchFields f = Fields(WatchEvent::kConnectionEnd);
  f.status = status;
  f.error = error ? &error->fields() : nullptr;
  f.duration = f.time - opening_since_;
  Tell(f);
}

void Watch::Reserved(bool reused, const ConnectionInfo* info) noexcept {
  Unqueue();
  connection_ = info ? ConnectionInfoRef::Share(info) : nullptr;
  if (reused) return Tell(WatchEvent::kConnectionReused);
  Opened(0, nullptr);
}

void Watch::OpenFailed(const ErrorRef& error) noexcept {
  if (opening_) Opened(static_cast<int32_t>(error->status()), error);
}

// A connection on its way may be another's by now, or nobody's request.
void Watch::StepBegun(Phase phase) noexcept {
  if (ended_) return;
  step_turn_ = loop_.turn_time();
  if (phase == Phase::kDns) Tell(WatchEvent::kDnsStart);
  if (phase == Phase::kConnect) Tell(WatchEvent::kTcpStart);
  if (phase == Phase::kProxy) Tell(WatchEvent::kProxyStart);
  if (phase == Phase::kTls) Tell(WatchEvent::kTlsStart);
}

void Watch::StepDone(Phase phase, Nanos time) noexcept {
  if (ended_) return;
  const auto done = [&](WatchEvent event) {
    WatchFields f = Fields(event);
    f.duration = time;
    Tell(f);
  };
  // What is known is there at once, what has to be asked for comes in another turn.
  if (phase == Phase::kDns)
    Tell(step_turn_ == loop_.turn_time() ? WatchEvent::kDnsCacheHit : WatchEvent::kDnsCacheMiss);
  if (phase == Phase::kDns) done(WatchEvent::kDnsEnd);
  if (phase == Phase::kConnect) done(WatchEvent::kTcpEnd);
  if (phase == Phase::kProxy) done(WatchEvent::kProxyEnd);
  if (phase == Phase::kTls) done(WatchEvent::kTlsEnd);
}

// ---- Its exchange ----

void Watch::Sent(uint64_t bytes) noexcept {
  const uint64_t before = std::exchange(sent_, bytes);
  if (before < head_size_ && bytes >= head_size_) {
    WatchFields f = Fields(WatchEvent::kHeadersSent);
    f.bytes = head_size_;
    Tell(f);
  }
  if (bytes > before && bytes > head_size_) {
    WatchFields f = Fields(WatchEvent::kChunkSent);
    f.bytes = bytes - head_size_;
    Tell(f);
  }
}

void Watch::TellHead(WatchEvent event, const ResponseHead& head) const noexcept {
  if (!session_.Wants(event) && !own_.Wants(event)) return;
  WatchFields f = Fields(event);
  f.http_status = head.status;
  try {
    std::vector<WatchedField> fields;
    fields.reserve(head.size());
    for (size_t i = 0; i < head.size(); i++)
      fields.push_back({head.at(i).name.data(), head.at(i).value.data(), head.at(i).value.size()});
    f.headers = fields.data();
    f.headers_count = fields.size();
    Tell(f);
  } catch (const std::bad_alloc&) {
    f.headers = nullptr;
    f.headers_count = 0;
    Tell(f);
  }
}

void Watch::Informational(const ResponseHead& head) noexcept {
  TellHead(WatchEvent::kInformational, head);
}

void Watch::HeadCame(const ResponseHead& head) noexcept {
  http_status_ = head.status;
  received_ = 0;
  TellHead(WatchEvent::kHeadersReceived, head);
}

void Watch::Received(uint64_t bytes) noexcept {
  if (bytes <= received_) return;
  received_ = bytes;
  if (!session_.Wants(WatchEvent::kChunkReceived) && !own_.Wants(WatchEvent::kChunkReceived))
    return;
  WatchFields f = Fields(WatchEvent::kChunkReceived);
  f.bytes = bytes;
  Tell(f);
}

}  // namespace creche::http
