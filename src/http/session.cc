#include "http/session.h"

namespace creche::http {

Session::Session(Ref<Loop> loop, SessionSettings settings)
    : loop_(std::move(loop)),
      settings_(std::move(settings)),
      defaults_(settings_.defaults, settings_.max_header_bytes),
      uses_(*loop_, this, settings_.queue) {}

Result<Ref<Session>> Session::Open(Ref<Loop> loop, SessionSettings settings) {
  auto session = Ref<Session>::Adopt(new Session(std::move(loop), std::move(settings)));
  TlsContextRef tls;
  if (!session->settings_.ca_file.empty()) {
    auto made = MakeTls(session->settings_.tls());
    if (!made.ok()) return made.error();
    tls = std::move(made).value();
  }
  if (const Status status = tasks::CheckQueue(*session->loop_, session->settings_.queue);
      status != Status::kOk)
    return MakeError(status, Phase::kNone,
                     "creche_session_options.queue is closed, or no queue of this loop");
  session->client_ = std::make_unique<Client>(*session->loop_, session->settings_, session->layers_,
                                              std::move(tls), session->counters_);
  session->self_ = session;
  if (tasks::AddResident(*session->loop_, session.get()) != Status::kOk) {
    session->client_.reset();
    session->self_ = nullptr;
    return MakeError(Status::kClosed, Phase::kNone, "the loop is closing");
  }
  return session;
}

Status Session::Close(const tasks::StartArgs& args) {
  const Status status = uses_.Tell(args, id());
  if (status == Status::kOk) Released();
  return status;
}

void Session::Released() noexcept {
  if (closing_.exchange(true)) return;
  close_.Submit(*loop_);  // refused by a loop that has ended: that closed the session before
}

// Loop's thread.
void Session::CloseHere() noexcept {
  if (!client_) return;
  const Ref<Session> alive = std::move(self_);
  closing_.store(true);
  uses_.Begin("the session was closed");
  client_->FailAll(MakeError(Status::kClosed, Phase::kNone, "the session was closed"));
  client_.reset();
  uses_.Closed();
}

void Session::CloseForLoop() noexcept {
  const Ref<Session> alive = Ref<Session>::Share(this);
  CloseHere();
  gone_.store(true);
  ForgetObject(id());
}

}  // namespace creche::http
