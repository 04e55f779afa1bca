// A transport whose other end is the test: what is fed can be read, what is written is kept. With a
// loop it announces what is left over when it is read on, as a socket does, in a turn of its own.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/loop.h"
#include "core/transport.h"

namespace creche::test {

class MemoryTransport final : public Transport {
 public:
  explicit MemoryTransport(Loop* loop = nullptr) : loop_(loop) {}
  ~MemoryTransport() override {
    if (destroyed) *destroyed = true;
  }

  // ---- The test's end. Each of these tells the listener, who may destroy the transport. ----
  void Feed(std::string_view bytes) {
    unread_.append(bytes);
    Tell();
  }
  // The peer closes: in order, or with an error behind what was fed.
  void FeedEnd() {
    end_ = Io::kEnd;
    Tell();
  }
  void FeedFailure(int failed) {
    end_ = Io::kFailed;
    errno_ = failed;
    Tell();
  }
  // Room for so many bytes more; what waits for it is told.
  void MakeRoom(size_t bytes) {
    room_ = bytes;
    if (std::exchange(blocked_, false)) listener_->OnWritable();
  }
  // Writes fail from now on.
  void BreakWrites(int failed) { write_errno_ = failed; }
  // What was written since the last call.
  std::string TakeWritten() { return std::exchange(written_, {}); }
  const std::string& written() const { return written_; }
  int writes = 0;                       // calls of Write
  int looks = 0;                        // calls of IdleIsSound
  std::vector<std::string_view> reads;  // what was read, where it was read to
  bool* destroyed = nullptr;            // told when it goes

  // ---- The transport ----
  int Open(Listener* listener) noexcept override {
    listener_ = listener;
    ReadOn();
    return 0;
  }
  IoResult Read(void* into, size_t capacity) noexcept override {
    const size_t n = std::min(capacity, unread_.size());
    if (n == 0) return {end_ == Io::kOk ? Io::kLater : end_, 0};
    unread_.copy(static_cast<char*>(into), n);
    reads.emplace_back(static_cast<char*>(into), n);
    unread_.erase(0, n);
    return {Io::kOk, n};
  }
  IoResult Write(const iovec* parts, size_t count) noexcept override {
    writes++;
    if (write_errno_ != 0) {
      errno_ = write_errno_;
      return {Io::kFailed, 0};
    }
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
      const size_t n = std::min(parts[i].iov_len, room_);
      written_.append(static_cast<const char*>(parts[i].iov_base), n);
      taken += n;
      room_ -= n;
      blocked_ = n < parts[i].iov_len;
      if (blocked_) break;
    }
    return {taken > 0 || !blocked_ ? Io::kOk : Io::kLater, taken};
  }
  void PauseReading() noexcept override { reading_ = false; }
  ErrorRef ResumeReading() noexcept override {
    ReadOn();
    return nullptr;
  }
  bool IdleIsSound() noexcept override {
    looks++;
    return unread_.empty() && end_ == Io::kOk;
  }
  ErrorRef Failure(Phase phase) const noexcept override {
    if (errno_ != 0)
      return MakeSystemError(Status::kDisconnected, phase, "the connection failed", errno_);
    return MakeError(Status::kDisconnected, phase, "the server closed the connection");
  }
  int failed_errno() const noexcept override { return errno_; }

 private:
  struct TellLater : TurnEnd {
    explicit TellLater(MemoryTransport* of) : TurnEnd(OnTurnEnd), transport(of) {}
    MemoryTransport* const transport;
  };
  static void OnTurnEnd(TurnEnd* end) noexcept { static_cast<TellLater*>(end)->transport->Tell(); }
  void ReadOn() {
    reading_ = true;
    if (loop_ && (!unread_.empty() || end_ != Io::kOk)) loop_->AtTurnEnd(&tell_later_);
  }
  // Level-triggered, as a socket is: again and again while there is something.
  void Tell() {
    bool gone = false;
    bool* const outer = std::exchange(destroyed, &gone);
    while (reading_ && (!unread_.empty() || end_ != Io::kOk)) {
      const size_t before = unread_.size();
      listener_->OnReadable();
      if (gone) break;
      if (unread_.size() == before) break;  // nobody takes it now
    }
    if (!gone) destroyed = outer;
    if (gone && outer) *outer = true;
  }

  Loop* const loop_;
  TellLater tell_later_{this};
  std::string unread_, written_;
  size_t room_ = SIZE_MAX;
  bool blocked_ = false;
  Io end_ = Io::kOk;  // kOk: not yet
  int errno_ = 0;
  int write_errno_ = 0;
};

}  // namespace creche::test
