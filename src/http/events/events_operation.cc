#include "http/events/events_operation.h"

#include <algorithm>
#include <new>

#include "platform/random.h"
#include "tasks/hold.h"
#include "tasks/log.h"

namespace creche::http {

using tasks::Outcome;

namespace {

constexpr std::string_view kLastId = "Last-Event-ID";
// The shortest wait that a server may say; and the longest, of which more is made while its streams
// bring no event.
constexpr Nanos kLeastWait = 10 * kMillisecond;
constexpr Nanos kQuietWait = kSecond;
constexpr std::string_view kEventStream = "text/event-stream";

// Without the parameters.
std::string_view MediaType(const ResponseHead& head) {
  const std::string_view type = head.Find(Known::kContentType);
  return TrimBlanks(type.substr(0, type.find(';')));
}

// Whether another connection may do better.
bool IsLoss(const Error& error) {
  switch (error.status()) {
    case Status::kDns:
    case Status::kConnect:
    case Status::kTls:
    case Status::kDisconnected:
    case Status::kProtocol:
    case Status::kTruncated:
    case Status::kCoding:
    case Status::kTimeout:
    case Status::kSystem:
      return true;
    default:
      return false;
  }
}

}  // namespace

EventsOperation::EventsOperation(tasks::ResidentUse<Session> session, EventsSettings settings)
    : session_(std::in_place, std::move(session)),
      settings_(std::move(settings)),
      parser_(settings_.max_data, settings_.last_id) {}

EventsOperation::~EventsOperation() {
  if (room_) room_->Forget();
}

void EventsOperation::Start() noexcept {
  if (refused_) return Fail(std::move(refused_));
  Calls* calls = (*session_)->calls();
  if (!calls)
    return Fail(MakeError(Status::kClosed, closed_in_line() ? Phase::kLimit : Phase::kPool,
                          "the session was closed: open another one"));
  try {
    room_ = MakeRef<EventRoom>(loop(), static_cast<EventRoom::Owner*>(this), settings_.max_held);
    timer_ = std::make_unique<Timer>(
        loop(), [](void* self) noexcept { static_cast<EventsOperation*>(self)->Connect(); }, this);
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  request_.task = task_id();
  if (request_.watch) request_.watch->Begin(task_id(), &request_);
  calls_ = calls;
  calls->guests.PushBack(this);
  Connect();
}

// ---- Connecting ----

// In a clean place: the call before is destroyed here.
void EventsOperation::Connect() noexcept {
  Waits("response");
  call_.reset();
  stream_.reset();
  piece_.Clear();
  loss_ = nullptr;
  ended_ = useful_ = eventful_ = blocked_ = false;
  parser_.Begin();
  try {
    call_ = std::make_unique<Call>(true, static_cast<Call::Owner*>(this));
    call_->request() = request_;
    call_->request().started = loop().now();
    AddLastId();
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  stream_ = call_->TakeStream();
  call_->Start(*calls_);
}

// An id that cannot stand in a header is not sent, nor one that no server would take.
void EventsOperation::AddLastId() {
  constexpr size_t kMost = 4 << 10;
  if (parser_.last_id().empty() || parser_.last_id().size() > kMost ||
      !IsFieldValue(parser_.last_id()))
    return;
  (void)call_->request().headers.Add(kLastId, parser_.last_id());
}

bool EventsOperation::OnHead() noexcept {
  const ResponseHead& head = call_->head();
  if (head.status == 204) {
    no_more_ = true;
    return true;
  }
  ErrorRef refusal;
  try {
    refusal = Refusal();
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (refusal) {
    call_->Abort();
    Fail(std::move(refusal));
    return true;
  }
  Waits("events");
  connections_++;
  since_ = loop().now();
  stream_->set_awaited(kPiece);
  Pump();  // what has come with the head
  return true;
}

// Why the answer is no stream of events, or null.
ErrorRef EventsOperation::Refusal() {
  const ResponseHead& head = call_->head();
  const std::string_view type = MediaType(head);
  if (head.status == 200 && SameName(type, kEventStream)) return nullptr;
  std::string message(call_->request().url.shown());
  if (head.status != 200)
    message += " answered with status " + std::to_string(head.status) +
               ", and a stream of events begins with 200";
  else
    message += " sends " + (type.empty() ? std::string("no Content-Type") : std::string(type)) +
               ", and a stream of events is " + std::string(kEventStream);
  message += ": ask for what its documentation says, or use creche_session_fetch";
  return MakeError({.status = Status::kProtocol,
                    .phase = Phase::kHeaders,
                    .message = std::move(message),
                    .http_status = head.status});
}

// ---- Streaming ----

void EventsOperation::OnEnd(ErrorRef error) noexcept {
  ended_ = true;
  loss_ = std::move(error);
  if (no_more_ && (!loss_ || IsLoss(*loss_))) return Finish(204);
  stream_->End();
  Pump();
}

// Gives the user what has come, as far as that may be.
void EventsOperation::Pump() noexcept {
  if (pumping_ || completed_ || timer_->armed()) return;
  pumping_ = true;
  bool all = false;
  try {
    all = PumpAll();
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
  pumping_ = false;
  if (all && ended_ && !completed_) Lost();
}

// True if all that has come was given.
bool EventsOperation::PumpAll() {
  for (size_t at = 0;; at = 0) {
    const bool full = room_->full();
    if (full != blocked_) Await(!full);
    if (completed_ || full) return false;
    const EventParser::Step step = parser_.Next(piece_.data(), piece_.size(), &at);
    piece_.Consume(at);
    if (step == EventParser::Step::kEvent) {
      if (!Give()) throw std::bad_alloc();
      continue;
    }
    if (step == EventParser::Step::kTooLong) {
      call_->Abort();
      Fail(ErrorOf(Status::kLimit,
                   ": an event is longer than max_data: raise it, or ask the server for less"));
      return false;
    }
    const size_t room = stream_->Worth(kPiece);
    char* const into = piece_.Reserve(room + 1);  // never none
    if (!into) throw std::bad_alloc();
    size_t size = 0;
    const Problem problem = stream_->Read(into, room, &size);
    piece_.Commit(size);
    if (size > 0) {
      useful_ = true;
      continue;
    }
    if (problem.bad()) {
      call_->Abort();
      if (!loss_) loss_ = ErrorOf(problem.status, (std::string(": ") + problem.text).c_str());
      ended_ = true;
    }
    if (ended_) return true;
    // What was held back while much lay here is asked for again: there is nothing left to take.
    call_->SetAwaited(kPiece);
    if (completed_) return false;
    if (!stream_->readable()) return true;
  }
}

bool EventsOperation::Give() {
  eventful_ = true;
  Outcome outcome;
  outcome.what = tasks::What::kEvent;
  outcome.code = call_->head().status;
  auto event = std::make_unique<ServerEvent>(room_, connections_, parser_.type(), parser_.data(),
                                             parser_.last_id());
  outcome.data = &event->fields();
  outcome.size = sizeof(EventFields);
  outcome.held = std::move(event);
  if (!settings_.keep) return Deliver(std::move(outcome));
  const uint64_t id = outcome.value = tasks::KeepHeld(outcome.held, loop());
  outcome.owned = true;
  if (id == 0) return false;
  if (Deliver(std::move(outcome))) return true;
  ReleaseObject(id);
  return false;
}

// Whether more of the stream is wanted; what is not holds the server back.
void EventsOperation::Await(bool more) noexcept {
  blocked_ = !more;
  Waits(more ? "events" : "reader");
  if (!ended_) call_->SetAwaited(more ? kPiece : 0);
}

// ---- Ends ----

// All of a connection has been given to the user.
void EventsOperation::Lost() noexcept {
  if (loss_ && !IsLoss(*loss_)) return Fail(std::move(loss_));
  if (settings_.once || connections_ == 0) {
    if (loss_) return Fail(std::move(loss_));
    return Finish(call_->head().status);
  }
  const bool lasted = since_ != 0 && loop().now() - since_ >= settings_.max_retry;
  failures_ = useful_ || lasted ? 0 : failures_ + 1;
  quiet_ = eventful_ || lasted ? 0 : quiet_ + 1;
  since_ = 0;
  if (settings_.attempts != 0 && failures_ >= settings_.attempts) {
    if (loss_) return Fail(std::move(loss_));
    return Fail(ErrorOf(Status::kDisconnected,
                        ": the server ends its streams without an event, again and again"));
  }
  WaitAndConnect();
}

// Twice as long with each failure in a row, and up to a quarter more, so that those who have lost
// the same server do not all come back at once. Whatever the user and the server say, connections
// that bring nothing do not follow each other without a pause.
void EventsOperation::WaitAndConnect() noexcept {
  Waits("retry");
  Nanos wait = settings_.retry;
  if (parser_.retry() >= 0)
    wait = parser_.retry() > settings_.max_retry / kMillisecond
               ? settings_.max_retry
               : std::max(parser_.retry() * kMillisecond, kLeastWait);
  for (uint32_t i = 0; i < failures_ && wait < settings_.max_retry; i++)
    wait = After(wait, std::max<Nanos>(wait, kMillisecond));
  if (quiet_ > 1) wait = std::max(wait, std::min(kLeastWait << std::min(quiet_, 7u), kQuietWait));
  wait = std::min(wait, settings_.max_retry);
  const auto quarter = static_cast<uint64_t>(wait / 4) + 1;
  wait = After(wait, static_cast<Nanos>(platform::Random64() % quarter));
  tasks::Log(loop(), tasks::LogLevel::kInfo, tasks::LogEvent::kReconnect, task_id(),
             "a stream of events connects anew", [&](tasks::LogRecord* record) {
               record->Add("attempt", int64_t{failures_} + 1);
               record->Add("delay_ms", wait / kMillisecond);
               if (loss_) record->AddError(*loss_);
             });
  if (!timer_->Arm(After(loop().now(), wait))) Fail(NoMemoryError());
}

void EventsOperation::Cancel() noexcept {
  if (completed_) return;
  const Phase phase = ended_ ? Phase::kConnect : call_->phase();
  Leave();
  Complete(Outcome::Cancelled(phase));
}

void EventsOperation::OnSessionClosed(const ErrorRef& error) noexcept {
  calls_ = nullptr;  // the list is theirs
  if (!completed_) Fail(error);
}

void EventsOperation::Finish(uint32_t code) noexcept {
  Leave();
  Outcome outcome;
  outcome.code = code;
  Complete(std::move(outcome));
}

void EventsOperation::Fail(ErrorRef error) noexcept {
  Leave();
  Outcome outcome = Outcome::Failed(std::move(error));
  outcome.code = outcome.error->fields().http_status;
  Complete(std::move(outcome));
}

void EventsOperation::Leave() noexcept {
  completed_ = true;
  if (timer_) timer_->Disarm();
  if (call_) call_->Abort();  // not destroyed: it may be what is calling
  if (std::exchange(calls_, nullptr)) List<Guest>::Remove(this);
}

ErrorRef EventsOperation::ErrorOf(Status status, const char* text) const noexcept {
  try {
    return MakeError(status, Phase::kBody, std::string(call_->request().url.shown()) + text);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::http
