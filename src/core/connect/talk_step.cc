#include "core/connect/talk_step.h"

#include <new>

namespace creche {

void TalkStep::Start(Connecting* so_far, ConnectStep::Listener* listener) {
  so_far_ = so_far;
  listener_ = listener;
  unsent_ = Opening();
  if (const int failed = so_far->transport->Open(this))
    return Fail(UnwatchedError(Phase::kProxy, failed));
  Send();
}

ErrorRef TalkStep::TimedOut(const Connecting&) {
  return TimeoutError("the proxy " + proxy_ + " has not made a connection to " + target_,
                      ": check that it is up");
}

ErrorRef TalkStep::Wrong(Status status, const std::string& what, uint32_t http_status,
                         uint32_t flags) const {
  return MakeError({.status = status,
                    .phase = Phase::kProxy,
                    .message = "the proxy " + proxy_ + " " + what,
                    .flags = flags,
                    .http_status = http_status});
}

bool TalkStep::Send() noexcept {
  if (unsent_.empty()) return true;
  const iovec part{unsent_.data(), unsent_.size()};
  const IoResult result = so_far_->transport->Write(&part, 1);
  unsent_.erase(0, result.size);
  // What it had said before it hung up may be why.
  return result.state != Io::kFailed || (OnReadable(), false);
}

void TalkStep::OnWritable() noexcept {
  if (listener_) Send();
}

void TalkStep::OnReadable() noexcept {
  if (!listener_) return so_far_->transport->PauseReading();
  char bytes[4096];
  for (;;) {
    const size_t wanted = Wanted();
    const IoResult result = so_far_->transport->Read(bytes, wanted);
    if (result.state == Io::kLater) return;
    if (result.state != Io::kOk) return Broke(result.state);
    Verdict verdict = Verdict::kMore;
    ErrorRef error;
    try {
      error = Take({bytes, result.size}, &verdict);
    } catch (const std::bad_alloc&) {
      error = NoMemoryError();
    }
    if (error) return Fail(std::move(error));
    if (verdict != Verdict::kMore) {
      so_far_->transport->PauseReading();  // what comes now is for the next step
      ConnectStep::Listener* listener = std::exchange(listener_, nullptr);
      return verdict == Verdict::kDone ? listener->OnStepDone() : listener->OnStepWantsAnew();
    }
    if (!Send()) return;
    if (result.size < wanted) return;
  }
}

void TalkStep::Broke(Io how) noexcept {
  try {
    if (how == Io::kFailed) return Fail(so_far_->transport->Failure(Phase::kProxy));
    Fail(Wrong(Status::kDisconnected,
               "closed the connection before there was one to " + target_ +
                   ": see its log, and whether it is a proxy of this kind",
               0, kUnsent));
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

void TalkStep::Fail(ErrorRef error) noexcept {
  std::exchange(listener_, nullptr)->OnStepFailed(std::move(error));
}

}  // namespace creche
