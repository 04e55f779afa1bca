// Watch: tells the hooks of a session, and of a request, what happens to that request. A request
// that nobody watches has none. Loop's thread only, but for its begin.
#pragma once
#include <cstdint>
#include <string>

#include "core/error.h"
#include "core/loop.h"
#include "core/ref.h"
#include "http/connection_info.h"

namespace creche::http {

class ResponseHead;
struct Request;

// creche_request_event.event
enum class WatchEvent : uint32_t {
  kRequestStart = 0,
  kRequestEnd = 1,
  kRedirect = 2,
  kAgain = 3,
  kQueueStart = 4,
  kQueueEnd = 5,
  kConnectionStart = 6,
  kConnectionEnd = 7,
  kConnectionReused = 8,
  kConnectionClosed = 9,
  kDnsStart = 10,
  kDnsEnd = 11,
  kDnsCacheHit = 12,
  kDnsCacheMiss = 13,
  kTcpStart = 14,
  kTcpEnd = 15,
  kProxyStart = 16,
  kProxyEnd = 17,
  kTlsStart = 18,
  kTlsEnd = 19,
  kHeadersSent = 20,
  kChunkSent = 21,
  kInformational = 22,
  kHeadersReceived = 23,
  kChunkReceived = 24,
};

// Twin of creche_header.
struct WatchedField {
  const char* name;
  const char* value;
  size_t value_size;
};

// Twin of creche_request_event.
struct WatchFields {
  uint32_t size;
  WatchEvent event;
  uint64_t task;
  void* user;
  int64_t time;
  int64_t duration;
  int32_t status;
  uint32_t http_status;
  uint64_t connection;
  uint64_t bytes;
  const char* method;
  const char* url;
  const char* peer;
  const WatchedField* headers;
  size_t headers_count;
  const ErrorFields* error;
};

// creche_watch
struct Hook {
  uint64_t events = 0;  // bits of WatchEvents
  void (*tell)(void* user, const WatchFields* event) = nullptr;
  void* user = nullptr;
  // Stores the traceparent for a request of a task with that context; returns its size, or 0.
  size_t (*traceparent)(void* user, void* context, char* text, size_t capacity) = nullptr;

  bool any() const noexcept { return tell || traceparent; }
  bool Wants(WatchEvent event) const noexcept;
  void Tell(const WatchFields& fields) const noexcept;
};

class Watch final : public RefCounted {
 public:
  // session: outlives it. user: of the call that it is for.
  Watch(Loop& loop, const Hook& session, const Hook& own, void* user)
      : loop_(loop), session_(session), own_(own), user_(user) {}

  // Its task runs. Adds what says of which trace it is part, if there is memory for that.
  void Begin(uint64_t task, Request* request) noexcept;

  void Started(const Request& request) noexcept;
  void Ended(Status status, const ErrorRef& error) noexcept;
  void Redirected(const Request& request, uint32_t status) noexcept;
  void Again() noexcept;
  void Queued() noexcept;
  void Opening() noexcept;
  void Reserved(bool reused, const ConnectionInfo* info) noexcept;
  void OpenFailed(const ErrorRef& error) noexcept;
  void StepBegun(Phase phase) noexcept;
  void StepDone(Phase phase, Nanos time) noexcept;
  // Of an exchange: so much is its head; so much has been sent so far.
  void SendBegun(uint64_t head) noexcept {
    head_size_ = head;
    sent_ = 0;
  }
  void Sent(uint64_t bytes) noexcept;
  void Informational(const ResponseHead& head) noexcept;
  void HeadCame(const ResponseHead& head) noexcept;
  // So much of the body, coded, has come so far.
  void Received(uint64_t bytes) noexcept;

 private:
  void Remember(const Request& request) noexcept;
  void Unqueue() noexcept;
  void Opened(int32_t status, const ErrorRef& error) noexcept;
  WatchFields Fields(WatchEvent event) const noexcept;
  void Tell(const WatchFields& fields) const noexcept;
  void Tell(WatchEvent event) const noexcept { Tell(Fields(event)); }
  void TellHead(WatchEvent event, const ResponseHead& head) const noexcept;

  Loop& loop_;
  const Hook& session_;
  const Hook own_;
  void* const user_;
  uint64_t task_ = 0;
  std::string method_;
  std::string url_;
  ConnectionInfoRef connection_;
  Nanos opening_since_ = 0;
  Nanos queued_since_ = 0;
  Nanos started_ = 0;
  Nanos step_turn_ = 0;
  uint64_t head_size_ = 0;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
  uint32_t http_status_ = 0;
  bool queued_ = false;
  bool opening_ = false;
  bool ended_ = true;
};

}  // namespace creche::http
