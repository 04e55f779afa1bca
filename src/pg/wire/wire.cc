#include "pg/wire/wire.h"

#include <cerrno>
#include <utility>

namespace creche::pg {

Wire::Wire(Loop& loop, Listener& listener, const Endpoint& endpoint, ReceiveSpace& space)
    : loop_(loop),
      listener_(listener),
      transport_(endpoint.fd(), endpoint.ssl()),
      inbox_(space),
      pace_(loop, endpoint.fd(), OnPace, this) {}

Wire::~Wire() {
  watch_.Stop();
  if (stopped_ || !outbox_.empty()) transport_.Cut();
}

int Wire::Start() noexcept {
  return watch_.Start(loop_.reactor(), transport_.fd(), platform::kRead, OnReady, this);
}

void Wire::Stop() noexcept {
  stopped_ = true;
  watch_.Stop();
  pace_.Stop();
}

void Wire::OnReady(void* self, unsigned ready) noexcept {
  auto* wire = static_cast<Wire*>(self);
  const bool reads_when_writable = wire->transport_.receive_wants_write();
  if (ready & platform::kWrite) wire->Flush();
  if (wire->stopped_ || wire->paused_) return;
  if ((ready & platform::kRead) || reads_when_writable) wire->Read();
}

void Wire::Read() noexcept {
  Receive(false);
  if (!stopped_) listener_.OnRead();
}

void Wire::Receive(bool own) noexcept {
  // OpenSSL may hold bytes that the descriptor knows nothing of; not for ever, others wait, too.
  constexpr int kRounds = 4;
  const bool wanted_write = transport_.receive_wants_write();
  size_t size = 0;
  for (int round = 0; round < kRounds && !paused_; round++) {
    size_t room;
    char* into = inbox_.Open(wanted_, &room, own);
    if (!into) return listener_.OnBroken(-ENOMEM);
    const ssize_t received = transport_.Receive(into, room);
    if (received > 0) {
      size += static_cast<size_t>(received);
      inbox_.Add(static_cast<size_t>(received));
      streams_ = listener_.OnBytes();
    }
    if (!inbox_.Close()) return listener_.OnBroken(-ENOMEM);
    if (stopped_) return;
    if (received <= 0 && received != -EAGAIN)
      return listener_.OnBroken(received == 0 && no_memory_ ? -ENOMEM : received);
    if (!transport_.pending()) break;
  }
  if (streams_ && !paused_)
    pace_.Got(size);
  else
    pace_.Stop();
  if (transport_.pending()) loop_.AtTurnEnd(&turn_end_);
  if (wanted_write != transport_.receive_wants_write()) UpdateInterest();
}

void Wire::Probe() noexcept {
  // What came may have the end behind it.
  constexpr int kRounds = 4;
  for (int round = 0; round < kRounds && !stopped_ && !transport_.quiet(); round++) Receive(true);
}

void Wire::OnPace(void* self) noexcept {
  auto* wire = static_cast<Wire*>(self);
  if (!wire->stopped_ && !wire->paused_) wire->Read();
}

void Wire::TakeWhatIsThere() noexcept {
  streams_ = listener_.OnBytes();
  if (!inbox_.Close()) return listener_.OnBroken(-ENOMEM);
  if (!stopped_) listener_.OnRead();
}

void Wire::FlushSoon() noexcept {
  if (flushing_ || cut_off_) return;
  // Much is sent at once: the network may begin.
  constexpr size_t kMuch = 64 * 1024;
  if (outbox_.size() >= kMuch) return Flush();
  loop_.AtTurnEnd(&turn_end_);
}

void Wire::OnTurnEnd(TurnEnd* end) noexcept {
  Wire* wire = static_cast<SendLater*>(end)->wire;
  if (wire->stopped_) return;
  if (!wire->flushing_) wire->Flush();
  // What was received before, while reading was paused.
  if (!wire->stopped_ && !wire->paused_ && !wire->inbox_.empty()) wire->TakeWhatIsThere();
  if (!wire->stopped_ && !wire->paused_ && wire->transport_.pending()) wire->Read();
}

void Wire::Flush() noexcept {
  while (!outbox_.empty() && !cut_off_) {
    const ssize_t sent = transport_.Send(outbox_.data(), outbox_.size());
    if (sent == -EAGAIN) break;
    if (sent < 0) {
      // What the server has said before is read yet, then the end.
      cut_off_ = true;
      no_memory_ = sent == -ENOMEM;
      transport_.Cut();
      break;
    }
    outbox_.Consume(static_cast<size_t>(sent));
    sent_ += static_cast<uint64_t>(sent);
  }
  constexpr size_t kKeep = 16 * 1024;
  if (outbox_.empty() && outbox_.capacity() > kKeep) outbox_.Release();
  const bool more = !outbox_.empty() && !cut_off_;
  if (more != flushing_ || cut_off_) {
    flushing_ = more;
    UpdateInterest();
  }
  constexpr size_t kLittle = 32 * 1024;
  if (drain_ && outbox_.size() <= kLittle && !cut_off_ && !stopped_)
    std::exchange(drain_, nullptr)->OnDrained();
}

void Wire::UpdateInterest() noexcept {
  if (stopped_) return;
  // While there is something to send the server is read, too: it may be blocked by us. (A stream
  // that is held back was sent as a whole before its first rows came.)
  unsigned interest = paused_ ? platform::kNothing : platform::kRead;
  if (flushing_ || transport_.receive_wants_write()) interest |= platform::kWrite;
  if (const int failed = watch_.Set(interest)) listener_.OnUnwatched(failed);
}

void Wire::Pause(bool pause) noexcept {
  if (paused_ == pause) return;
  paused_ = pause;
  pace_.Stop();
  UpdateInterest();
  // There may be rows that were received before. Not from inside the caller, who may be one of
  // them.
  if (!paused_ && !stopped_) loop_.AtTurnEnd(&turn_end_);
}

}  // namespace creche::pg
