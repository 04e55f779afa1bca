#include "http/h2/h2_tunnel.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "http/h2/h2_connection.h"

namespace creche::http {

namespace {

// What waits for the window, or for the connection: as much as a socket's buffer has room for.
constexpr size_t kMostOut = 64 << 10;
// How long the last of it may take when nobody is there any more, with the server's own end.
constexpr Nanos kFarewell = 5 * kSecond;

}  // namespace

class H2Tunnel::End final : public Transport, public FromBlocks {
 public:
  explicit End(H2Tunnel* tunnel) noexcept : tunnel_(*tunnel) { reading_ = true; }
  ~End() override { tunnel_.Leave(); }

  int Open(Listener* listener) noexcept override {
    set_listener(listener);
    reading_ = true;
    tunnel_.ReadAgain();
    return 0;
  }
  IoResult Read(void* into, size_t capacity) noexcept override {
    return tunnel_.Read(into, capacity);
  }
  IoResult Write(const iovec* parts, size_t count) noexcept override {
    return tunnel_.Write(parts, count);
  }
  void PauseReading() noexcept override { reading_ = false; }
  ErrorRef ResumeReading() noexcept override {
    reading_ = true;
    tunnel_.window_.Restart();
    tunnel_.ReadAgain();
    return nullptr;
  }
  bool IdleIsSound() noexcept override {
    tunnel_.connection_.ReadNow();
    return !tunnel_.readable();
  }
  ErrorRef Failure(Phase phase) const noexcept override {
    const Error* const why = tunnel_.failure_.get();
    try {
      if (!why)
        return MakeError(Status::kDisconnected, phase, "the server ended the stream of HTTP/2");
      return MakeError(why->status(), phase, std::string(why->message()));
    } catch (const std::bad_alloc&) {
      return NoMemoryError();
    }
  }
  int failed_errno() const noexcept override { return 0; }
  platform::Address Peer() const noexcept override {
    return tunnel_.connection_.transport().Peer();
  }
  platform::Address Local() const noexcept override {
    return tunnel_.connection_.transport().Local();
  }
  Listener* listener() const noexcept { return listener_; }

 private:
  H2Tunnel& tunnel_;
};

H2Tunnel::H2Tunnel(H2Connection& connection, Begun begun) noexcept
    : connection_(connection),
      in_(std::move(begun.early)),
      failure_(std::move(begun.failure)),
      reset_code_(failure_ && failure_->status() == Status::kProtocol ? NGHTTP2_PROTOCOL_ERROR
                                                                      : NGHTTP2_CANCEL),
      asked_(begun.asked),
      ended_(begun.ended) {
  stream_ = begun.stream;
  begun_ = true;
}

std::unique_ptr<Transport> H2Tunnel::MakeEnd() {
  auto end = std::make_unique<End>(this);
  end_ = end.get();
  if (readable()) Note(kReadable);
  return end;
}

// ---- Receiving ----

// Nothing but data may come (RFC 9113, 8.5).
void H2Tunnel::OnHeadBegins() noexcept {
  Fail(Status::kProtocol, "header fields came inside of a tunnel", NGHTTP2_PROTOCOL_ERROR);
}

void H2Tunnel::OnData(const char* data, size_t size) noexcept {
  if (failure_) return;
  if (!end_) return Note(kReadable);
  if (!in_.Append(data, size)) return Fail(NoMemoryError());
  if (in_.size() > static_cast<size_t>(window_.size()))
    return Fail(Status::kProtocol, "more came than the window for it allows",
                NGHTTP2_FLOW_CONTROL_ERROR);
  Note(kReadable);
}

void H2Tunnel::OnLastData() noexcept {
  ended_ = true;
  if (end_) Note(kReadable);
}

void H2Tunnel::OnInvalid(const char* why) noexcept {
  Fail(Status::kProtocol, why, NGHTTP2_PROTOCOL_ERROR);
}

void H2Tunnel::OnClosed(bool by_peer, uint32_t code) noexcept {
  stream_ = 0;
  if (failure_ || (ended_ && code == NGHTTP2_NO_ERROR)) return Note(kReadable | kWritable);
  // So nghttp2 closes what the server has not taken when it goes away.
  const bool wrong = !by_peer && code != NGHTTP2_REFUSED_STREAM;
  try {
    Fail(MakeError(wrong ? Status::kProtocol : Status::kDisconnected, Phase::kNone,
                   std::string(wrong ? "the server broke the rules of HTTP/2: "
                                     : "the server broke the stream of HTTP/2 off: ") +
                       nghttp2_http2_strerror(code)));
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

void H2Tunnel::OnBroken(const ErrorRef& error, bool) noexcept {
  Fail(error);
}

IoResult H2Tunnel::Read(void* into, size_t capacity) noexcept {
  if (in_.empty()) {
    if (failure_) return {Io::kFailed, 0};
    return {ended_ ? Io::kEnd : Io::kLater, 0};
  }
  const size_t size = std::min(capacity, in_.size());
  std::memcpy(into, in_.data(), size);
  in_.Consume(size);
  if (in_.empty()) in_.Release();
  if (stream_ == 0) return {Io::kOk, size};
  connection_.session().Consumed(stream_, size);
  if (window_.Took(size, connection_.heard(), connection_.round_trip()))
    connection_.session().Widen(stream_, window_.size());
  if (connection_.session().wants_fill()) connection_.FlushSoon();
  return {Io::kOk, size};
}

// ---- Sending ----

IoResult H2Tunnel::Write(const iovec* parts, size_t count) noexcept {
  if (failure_ || stream_ == 0) return {Io::kFailed, 0};
  size_t taken = 0;
  wants_room_ = false;
  for (size_t i = 0; i < count && !wants_room_; i++) {
    const size_t size = std::min(parts[i].iov_len, kMostOut - std::min(kMostOut, out_.size()));
    if (size > 0 && !out_.Append(parts[i].iov_base, size)) {
      Fail(NoMemoryError());
      return {Io::kFailed, taken};
    }
    taken += size;
    wants_room_ = size < parts[i].iov_len;
  }
  if (taken > 0) Wake();
  return {taken > 0 || !wants_room_ ? Io::kOk : Io::kLater, taken};
}

// There is something to be sent, or nothing any more.
void H2Tunnel::Wake() noexcept {
  if (std::exchange(asked_, false)) connection_.session().Resume(stream_);
  connection_.FlushSoon();
}

size_t H2Tunnel::BodyToSend(size_t most, bool* last) noexcept {
  const size_t size = std::min(most, out_.size());
  *last = !end_ && size == out_.size();
  asked_ = size == 0 && !*last;
  return size;
}

std::string_view H2Tunnel::TakeBody(size_t size) noexcept {
  const std::string_view taken = out_.view().substr(0, size);
  out_.Consume(size);
  return taken;  // it lies there until something else is written
}

void H2Tunnel::OnFilled(bool) noexcept {
  filled_to_ = connection_.filled();
  if (out_.empty()) out_.Release();
  if (wants_room_ && out_.size() <= kMostOut / 2) Note(kWritable);
}

// ---- Its end ----

void H2Tunnel::Note(uint8_t what) noexcept {
  todo_ |= what;
  connection_.ToTell(this);
}

void H2Tunnel::Fail(Status status, const char* text, uint32_t code) noexcept {
  if (failure_) return;
  reset_code_ = code;
  try {
    Fail(MakeError(status, Phase::kNone, text));
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

void H2Tunnel::Fail(ErrorRef error) noexcept {
  if (!failure_) failure_ = std::move(error);
  Note(kReadable | kWritable);
}

// What the end has not read is told again, in a turn of its own.
void H2Tunnel::ReadAgain() noexcept {
  if (!readable()) return;
  due_ = connection_.io().loop.now();
  connection_.Due(due_);
}

void H2Tunnel::OnTime(Nanos) noexcept {
  due_ = kNever;
  Note(kReadable);
}

void H2Tunnel::Tell() noexcept {
  const uint8_t todo = std::exchange(todo_, uint8_t{0});
  // What comes when nobody is there any more, or what does not come to its end in time, is cut off.
  if (!end_) return connection_.Remove(this, reset_code_);
  bool gone = false;
  told_gone_ = &gone;
  // What came before it broke is read before a write finds that it has.
  if (end_->reading() && readable() && end_->listener()) end_->listener()->OnReadable();
  if (gone) return;
  if ((todo & kWritable) != 0 && std::exchange(wants_room_, false)) end_->listener()->OnWritable();
  if (gone) return;
  told_gone_ = nullptr;
  if (end_->reading()) ReadAgain();
}

// What is unread says that there is no end in order.
void H2Tunnel::Leave() noexcept {
  end_ = nullptr;
  due_ = kNever;
  if (told_gone_) *std::exchange(told_gone_, nullptr) = true;
  if (stream_ == 0 || failure_ || !in_.empty()) return connection_.Remove(this, reset_code_);
  Wake();
  due_ = connection_.io().loop.now() + kFarewell;
  connection_.Due(due_);
  connection_.SendNow();
}

}  // namespace creche::http
