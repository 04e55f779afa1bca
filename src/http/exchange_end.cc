// Exchange: its ends: what becomes of the connection, of a redirect, of a failure.
#include <charconv>
#include <new>
#include <optional>

#include "http/exchange.h"
#include "http/session.h"

namespace creche::http {

namespace {

// The number behind `name`, which ends in '=', if that is what `hint` is.
std::optional<uint32_t> Number(std::string_view hint, std::string_view name) {
  if (!SameName(hint.substr(0, name.size()), name)) return std::nullopt;
  uint32_t number = 0;
  const char* end = hint.data() + hint.size();
  const auto [p, e] = std::from_chars(hint.data() + name.size(), end, number);
  if (e != std::errc() || p != end) return std::nullopt;
  return number;
}

}  // namespace

void Exchange::Finished(bool leftover) noexcept {
  times_.ended = client_->loop.now();
  const Problem problem = stream_ ? Problem() : whole_.End();
  ReleaseConnection(leftover);
  if (problem.bad()) return FailWith(problem);
  if (stream_) stream_->End();
  Stop();
  owner_->OnEnd(nullptr);
}

// The response is complete: keeps the connection if both sides may use it again.
void Exchange::ReleaseConnection(bool leftover) noexcept {
  const bool keep = connection_->parser().keep_alive() && !leftover && upload_.done();
  const Nanos keep_for = keep ? KeepFor() : 0;
  if (keep_for > 0) {
    client_->pool.Keep(std::move(connection_), keep_for);
  } else {
    connection_.reset();
  }
}

// How long the server promises to keep the connection, with some distance.
Nanos Exchange::KeepFor() const {
  for (const HeaderList* list : {&request_.headers, &client_->settings.headers}) {
    std::string_view options = list->Find(Known::kConnection);
    std::string_view option;
    while (NextElement(&options, &option))
      if (SameName(option, "close")) return 0;
  }
  Nanos keep = kNever;
  std::string_view hints = head_.Find(Known::kKeepAlive);
  std::string_view hint;
  while (NextElement(&hints, &hint)) {
    if (const auto left = Number(hint, "max=")) {
      if (*left == 0) return 0;  // that was the last request it takes
    } else if (const auto seconds = Number(hint, "timeout=")) {
      keep = *seconds * kSecond / 4 * 3;
    }
  }
  return keep;
}

void Exchange::FollowRedirect() noexcept {
  safe_ = safe_ && IsIdempotent(request_.method);
  try {
    if (auto r = request_.Redirect(head_); !r.ok()) return Fail(r.error());
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  retried_ = false;
  Begin(false);
}

// The connection is dead. If it was a kept one that may have died before the request came, and
// nothing can happen twice, the request goes over a new one.
void Exchange::Broken(ErrorRef error) noexcept {
  const H1Parser& parser = connection_->parser();
  if (use_ == Use::kDiscard) {  // where to go is known
    connection_.reset();
    return FollowRedirect();
  }
  const bool again = request_.retry && reused_ && !retried_ && !parser.started() &&
                     !upload_.pulled_any() && !upload_.pulling() &&
                     (upload_.sent() == 0 || IsIdempotent(request_.method));
  if (again) {
    client_->counters.retries.Add();
    retried_ = true;
    connection_.reset();
    return Begin(true);
  }
  if (parser.head_done() && error->status() == Status::kDisconnected) {
    return FailWith({Status::kTruncated, "the connection broke inside the body"}, std::move(error));
  }
  Fail(std::move(error));
}

ErrorRef Exchange::AsError(const Problem& problem, ErrorRef cause) const noexcept {
  try {
    return MakeError({.status = problem.status,
                      .phase = phase_,
                      .message = problem.text,
                      .cause = std::move(cause)});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void Exchange::FailWith(const Problem& problem, ErrorRef cause) noexcept {
  Fail(AsError(problem, std::move(cause)));
}

void Exchange::Fail(ErrorRef error) noexcept {
  ErrorRef explained = Explain(std::move(error));
  Stop();
  owner_->OnEnd(std::move(explained));
}

void Exchange::Abort() noexcept {
  Stop();
}

void Exchange::Stop() noexcept {
  if (!client_) return;
  Leave();
  pool_timer_.reset();
  connector_.reset();
  connection_.reset();
  slot_ = Slot();
  client_->Remove(this);
  client_ = nullptr;
}

// Says where it happened, whether anything was sent, and whether it is worth and safe to try again.
ErrorRef Exchange::Explain(ErrorRef error) const {
  const ErrorFields& fields = error->fields();
  const Status status = error->status();
  if (status == Status::kNoMemory) return error;
  const bool transient = error->retryable() || status == Status::kConnect ||
                         status == Status::kTimeout || status == Status::kDisconnected ||
                         status == Status::kTruncated || status == Status::kSystem ||
                         (status == Status::kLimit && phase_ == Phase::kPool);
  const bool safe = !sent_any_ || (safe_ && IsIdempotent(request_.method));
  try {
    const std::string where(request_.url.authority());
    std::string message = error->message();
    if (message.find(where) == std::string::npos) message = where + ": " + message;
    return MakeError(
        {.status = status,
         .phase = error->phase() == Phase::kNone ? phase() : error->phase(),
         .message = std::move(message),
         .flags =
             (sent_any_ ? 0u : uint32_t{kUnsent}) | (transient && safe ? uint32_t{kRetryable} : 0u),
         .system_errno = fields.system_errno,
         .tls_verify = fields.tls_verify,
         .http_status = fields.http_status,
         .cause = fields.cause ? ErrorRef::Share(Error::Of(fields.cause)) : ErrorRef()});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::http
