#include "http/h2/h2_connection.h"

#include <algorithm>
#include <new>
#include <string>

#include "http/recent.h"

namespace creche::http {

namespace {

// So that one fast server does not keep all others waiting.
constexpr int kReadsAtATime = 4;
// About what fits into a socket's buffer at once.
constexpr size_t kMostOut = 64 << 10;
// Bytes of all bodies together that may come unasked.
constexpr int32_t kWindow = 16 << 20;
// Frames that what a server says may cause before they are all written: more is a flood.
constexpr size_t kMostAnswers = 2000;
// While the server allows none: those that come wait here rather than on more connections.
constexpr size_t kWaiting = 100;
// How long a connection is silent before it is in doubt, and how long the server may take to show
// that it is there.
constexpr Nanos kSilence = kSecond;
constexpr Nanos kPingTime = 5 * kSecond;
// Bytes of a server's own text that a message shows.
constexpr size_t kMostSaid = 100;

// Of no phase: each call says its own.
ErrorRef Lost(Status status, const char* text) noexcept {
  try {
    return MakeError(status, Phase::kNone, text);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

// What a server says in GOAWAY, as a message may show it.
std::string LastWords(uint32_t code, std::string_view text) {
  std::string words = nghttp2_http2_strerror(code);
  if (words == "unknown") words = "error " + std::to_string(code);
  if (text.empty()) return words;
  words.append(", \"");
  for (const char c : text.substr(0, kMostSaid))
    words += c >= ' ' && c <= '~' && c != '"' ? c : '?';
  return words.append(text.size() > kMostSaid ? "...\"" : "\"");
}

}  // namespace

H2Connection::H2Connection(IoContext& io, std::unique_ptr<Transport> transport)
    : io_(io),
      transport_(std::move(transport)),
      session_({.max_head = io.max_head, .stream_window = ReceiveWindow::kFirst, .window = kWindow},
               this),
      timer_(
          io.loop, [](void* self) noexcept { static_cast<H2Connection*>(self)->OnTimer(); }, this),
      opened_(io.loop.now()),
      heard_(opened_) {
  transport_->set_listener(this);
  FlushSoon();
}

H2Connection::~H2Connection() {
  life_->over = true;
  if (!broken_ && !blocked_ && session_.GoAway() && session_.Fill(&out_, kMostOut)) Write();
  while (H2Stream* left = streams_.PopFront()) delete left;  // nobody's any more
}

size_t H2Connection::capacity() const noexcept {
  if (draining_ || !session_.has_numbers()) return 0;
  const uint32_t most = session_.max_streams();
  return most == 0 ? kWaiting : most;
}

Exchange* H2Connection::Open(Request* request, ResponseHead* head, Attempt* attempt,
                             Exchange::Listener* listener) {
  auto* exchange = new H2Exchange(*this, request, head, attempt, listener);
  attempt->connection = info();
  streams_.PushBack(exchange);
  open_++;
  return exchange;
}

void H2Connection::Replace(H2Stream* stream, H2Stream* by) noexcept {
  if (stream->stream() > 0) session_.Give(stream->stream(), by);
  streams_.PushBack(by);
  delete stream;
}

void H2Connection::Remove(H2Stream* stream, uint32_t code) noexcept {
  if (const int32_t number = stream->stream(); number > 0) {
    session_.Give(number, nullptr);
    if (!broken_) {
      session_.Reset(number, code);  // if that fails the session has, and all is told
      FlushSoon();
    }
  }
  open_--;
  delete stream;
}

void H2Connection::ToTell(H2Stream* stream) noexcept {
  if (!to_tell_.Has(stream)) to_tell_.PushBack(stream);
}

void H2Connection::ToWrite(H2Stream* stream) noexcept {
  to_write_.Remove(stream);
  to_write_.PushBack(stream);
}

// Before it is used by somebody: what came while nobody used it are frames like others.
bool H2Connection::IdleIsSound() noexcept {
  for (int i = 0; i < kReadsAtATime && !draining_; i++) {
    if (transport_->IdleIsSound()) return true;
    ReadOnce();
  }
  return !draining_;
}

// ---- Receiving ----

void H2Connection::OnReadable() noexcept {
  for (int i = 0; i < kReadsAtATime; i++) {
    const bool more = ReadOnce();
    if (!Deliver()) return;
    if (!more) break;
  }
  Settle();
}

void H2Connection::ReadNow() noexcept {
  for (int i = 0; i < kReadsAtATime && ReadOnce(); i++) continue;
  if (!to_tell_.empty() || changed_) FlushSoon();
}

// Receives once. True: there may be more.
bool H2Connection::ReadOnce() noexcept {
  if (broken_) return false;
  char* const into = io_.Scratch();
  if (!into) return Broke(NoMemoryError()), false;
  const IoResult result = transport_->Read(into, IoContext::kScratch);
  if (result.state == Io::kLater) return false;
  if (result.state != Io::kOk) return Broke(transport_->Failure(Phase::kNone)), false;
  io_.counters.bytes_received.Add(result.size);
  heard_ = Recent(io_.loop);
  ping_by_ = kNever;
  const size_t queued = session_.queued();
  if (!session_.Receive(into, result.size)) return Broke(SessionError()), false;
  answers_ += session_.queued() > queued ? session_.queued() - queued : 0;
  if (answers_ > kMostAnswers) {
    Broke(Lost(Status::kProtocol,
               "the server says on and on what has to be answered, and reads no answer"));
    return false;
  }
  if (session_.wants_fill()) {
    // What the session has found to be wrong it says here.
    if (!blocked_ && !session_.Fill(&out_, kMostOut)) return Broke(SessionError()), false;
    FlushSoon();
  }
  if (session_.terminated()) {
    if (!blocked_) Write();
    return Broke(terminated_), false;
  }
  return result.size == IoContext::kScratch;
}

void H2Connection::OnSettings() noexcept {
  changed_ = true;
  if (std::exchange(settled_, true)) return;
  for (H2Stream* s = streams_.first(); s; s = streams_.Next(s)) s->OnSettled();
}

void H2Connection::OnGoAway(uint32_t code, std::string_view text) noexcept {
  draining_ = changed_ = true;
  try {
    if (code != NGHTTP2_NO_ERROR || !text.empty()) set_last_words(LastWords(code, text));
  } catch (const std::bad_alloc&) {
    return;  // it goes all the same
  }
}

std::string H2Connection::Said(std::string text) const {
  if (!last_words().empty()) text.append(" (GOAWAY: ").append(last_words()).append(")");
  return text;
}

void H2Connection::OnTerminated(uint32_t code, std::string_view why) noexcept {
  try {
    std::string text = "the server broke the rules of HTTP/2: ";
    text.append(why.empty() ? nghttp2_http2_strerror(code) : why);
    if (why == "SETTINGS expected") text = "the server does not speak HTTP/2";
    terminated_ = MakeError(Status::kProtocol, Phase::kNone, std::move(text));
  } catch (const std::bad_alloc&) {
    terminated_ = NoMemoryError();
  }
}

ErrorRef H2Connection::SessionError() const noexcept {
  const int failed = session_.failed();
  if (failed == NGHTTP2_ERR_NOMEM || failed == NGHTTP2_ERR_CALLBACK_FAILURE) return NoMemoryError();
  return Lost(Status::kProtocol, nghttp2_strerror(failed));
}

// ---- Sending ----

void H2Connection::OnWritable() noexcept {
  blocked_ = false;
  Flush();
}

void H2Connection::Flush() noexcept {
  while (!broken_ && !blocked_) {
    if (!session_.Fill(&out_, kMostOut)) {
      Broke(SessionError());
    } else if (session_.terminated()) {
      Write();
      Broke(terminated_);
    } else if (out_.empty()) {
      answers_ = 0;
      break;
    } else if (!Write()) {
      // What the server had said before is still to be read.
      const ErrorRef error = transport_->Failure(Phase::kNone);
      draining_ = changed_ = true;
      for (int i = 0; i < kReadsAtATime * kReadsAtATime && !broken_; i++)
        if (!ReadOnce()) break;
      Broke(error);
    }
  }
  if (streams_.empty() && out_.empty()) out_.Release();
  for (H2Stream* stream; (stream = to_write_.first()) != nullptr;) {
    if (stream->filled_to() > written_) break;
    to_write_.Remove(stream);
    stream->OnWritten();
  }
  if (Deliver()) Settle();
}

void H2Connection::SendNow() noexcept {
  if (!broken_ && !blocked_ && session_.Fill(&out_, kMostOut)) Write();
  FlushSoon();  // what has failed is found again, and told
}

// Writes what is filled. False: the connection is dead.
bool H2Connection::Write() noexcept {
  const iovec part{out_.data(), out_.size()};
  const IoResult result = transport_->Write(&part, 1);
  io_.counters.bytes_sent.Add(result.size);
  written_ += result.size;
  out_.Consume(result.size);
  if (result.state == Io::kFailed) return false;
  blocked_ = !out_.empty();
  if (result.size > 0)
    for (H2Stream* s = to_write_.first(); s; s = to_write_.Next(s)) s->OnProgress();
  return true;
}

// ---- Time ----

void H2Connection::Due(Nanos at) noexcept {
  // What could not be armed hides no later one.
  if (at < timer_at_) timer_at_ = timer_.Set(at) ? at : kNever;
}

void H2Connection::OnTimer() noexcept {
  const Nanos now = io_.loop.now();
  timer_at_ = kNever;
  for (H2Stream* s = streams_.first(); s; s = streams_.Next(s)) {
    if (s->due() <= now) s->OnTime(now);
    Due(s->due());
  }
  if (ping_by_ <= now)
    Broke(
        Lost(Status::kDisconnected, "the server is not there any more: it does not answer a ping"));
  else
    Due(ping_by_);
  if (Deliver()) Settle();
}

void H2Connection::Doubt() noexcept {
  const Nanos now = io_.loop.now();
  if (broken_ || ping_by_ != kNever || now - heard_ < kSilence) return;
  session_.Ping();
  ping_by_ = now + kPingTime;
  Due(ping_by_);
  FlushSoon();
}

// ---- Ends ----

// It is of no use any more. What is complete stays so.
void H2Connection::Broke(ErrorRef error) noexcept {
  if (broken_) return;
  if (error->status() == Status::kDisconnected) error = WithLastWords(std::move(error));
  broken_ = draining_ = changed_ = true;
  transport_->PauseReading();
  for (H2Stream* s = streams_.first(); s; s = streams_.Next(s))
    s->OnBroken(error, !s->begun() || written_ <= s->begins_at());
}

// Why it was lost, if the server has said so.
ErrorRef H2Connection::WithLastWords(ErrorRef error) const noexcept {
  if (last_words().empty()) return error;
  try {
    const ErrorFields& f = error->fields();
    return MakeError({.status = error->status(),
                      .phase = error->phase(),
                      .message = Said(f.message),
                      .flags = f.flags,
                      .system_errno = f.system_errno});
  } catch (const std::bad_alloc&) {
    return error;
  }
}

// Tells all who are to know something. False: this was destroyed meanwhile.
bool H2Connection::Deliver() noexcept {
  if (to_tell_.empty()) return true;
  const Ref<Life> life = life_;
  while (!life->over && !to_tell_.empty()) to_tell_.PopFront()->Tell();
  return !life->over;
}

// Tells the pool, which may destroy this.
void H2Connection::Settle() noexcept {
  if (std::exchange(changed_, false)) Changed();
}

}  // namespace creche::http
