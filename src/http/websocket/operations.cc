#include "http/websocket/operations.h"

namespace creche::http {

using tasks::Outcome;

// What has begun to go out goes out as a whole: half a message would be the end of the connection.
void SendOperation::Cancel() noexcept {
  static_cast<void>(socket_->Unsend(this));
  Complete(Outcome::Cancelled(Phase::kSend));
}

void ReceiveOperation::Cancel() noexcept {
  socket_->StopReceiving();
  Complete(Outcome::Cancelled(Phase::kBody));
}

void CloseOperation::Cancel() noexcept {
  socket_->StopClosing(this);
  Complete(Outcome::Cancelled(Phase::kClose));
}

}  // namespace creche::http
