#include "core/connect/dial_step.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/socket_transport.h"

namespace creche {

void DialStep::Start(Connecting* so_far, ConnectStep::Listener* listener) {
  so_far_ = so_far;
  listener_ = listener;
  if (!dialer_.Start(so_far->authority, so_far->addresses, time())) throw std::bad_alloc();
}

void DialStep::OnDialed(platform::Socket socket) noexcept {
  try {
    so_far_->transport = std::make_unique<SocketTransport>(loop_, std::move(socket));
  } catch (const std::bad_alloc&) {
    return listener_->OnStepFailed(NoMemoryError());
  }
  listener_->OnStepDone();
}

void DialStep::OnDialFailed(ErrorRef error) noexcept {
  resolver_.Forget(so_far_->host);
  listener_->OnStepFailed(std::move(error));
}

bool DialStep::Leave(Connecting* so_far, const platform::Address& address) noexcept {
  Addresses& all = so_far->addresses;
  const auto at = std::find(all.begin(), all.end(), address);
  if (at == all.end() || all.size() == 1) return false;
  all.erase(at);
  resolver_.history().Failed(address, loop_.now());
  return true;
}

ErrorRef DialStep::TimedOut(const Connecting& so_far) {
  resolver_.Forget(so_far.host);
  return TimeoutError("no connection to " + so_far.authority,
                      " (" + dialer_.Tried() + "): check that it is up");
}

}  // namespace creche
