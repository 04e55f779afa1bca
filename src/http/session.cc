#include "http/session.h"

#include <mutex>

#include "platform/tls.h"

namespace creche::http {

Session::Session(Ref<Loop> loop, SessionSettings settings)
    : loop_(std::move(loop)), settings_(std::move(settings)), close_([](Job* job) noexcept {
        Session* self = static_cast<CloseJob*>(job)->session;
        self->CloseHere();
        self->Unref();
      }) {
  close_.session = this;
}

Result<Ref<Session>> Session::Open(Ref<Loop> loop, SessionSettings settings) {
  auto session = Ref<Session>::Adopt(new Session(std::move(loop), std::move(settings)));
  if (!session->settings_.ca_file.empty())
    if (auto tls = session->Tls(); !tls.ok()) return tls.error();
  session->client_ =
      std::make_unique<Client>(*session->loop_, *session, session->settings_, session->counters_);
  session->self_ = session;
  if (tasks::AddResident(*session->loop_, session.get()) != Status::kOk) {
    session->client_.reset();
    session->self_ = nullptr;
    return MakeError(Status::kClosed, Phase::kNone, "the loop is closing");
  }
  return session;
}

Result<std::shared_ptr<platform::TlsContext>> Session::Tls() {
  std::lock_guard guard(lock_);
  if (!tls_) {
    platform::TlsFailure failure;
    tls_ = platform::TlsContext::Create({.verify = settings_.verify, .ca_file = settings_.ca_file},
                                        &failure);
    if (!tls_)
      return MakeError({.status = failure.system_errno != 0 ? Status::kSystem : Status::kTls,
                        .phase = Phase::kTls,
                        .message = failure.text,
                        .system_errno = failure.system_errno});
  }
  return tls_;
}

Status Session::Close(tasks::DoneFn done, void* user) {
  {
    std::lock_guard guard(lock_);
    if (closed_) {
      if (!done) return Status::kOk;
      return tasks::DeliverClosed(*loop_, done, user) ? Status::kOk : Status::kNoMemory;
    }
    if (done) listeners_.push_back({done, user});
  }
  Released();
  return Status::kOk;
}

void Session::Released() noexcept {
  if (closing_.exchange(true)) return;
  AddRef();  // for the job; the loop may close the session before it comes to that
  if (!loop_->Submit(&close_)) Unref();  // the loop has ended, and closed the session before
}

// Loop's thread.
void Session::CloseHere() noexcept {
  if (!client_) return;
  const Ref<Session> alive = std::move(self_);
  closing_.store(true);
  client_->FailAll(MakeError(Status::kClosed, Phase::kClose, "the session was closed"));
  client_.reset();
  std::vector<Listener> listeners;
  {
    std::lock_guard guard(lock_);
    closed_ = true;
    listeners.swap(listeners_);
  }
  // What FailAll completed is delivered before.
  for (const Listener& l : listeners)
    if (!tasks::DeliverClosed(*loop_, l.done, l.user)) break;  // no memory: nobody can be told
  tasks::RemoveResident(*loop_, this);
}

}  // namespace creche::http
