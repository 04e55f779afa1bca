#include "http/connection.h"

#include "http/origin_pool.h"

namespace creche::http {

Slot::~Slot() {
  if (pool_) pool_->Freed(origin_);
}

Connection::Connection(Loop& loop, std::unique_ptr<Transport> transport, Slot slot)
    : slot_(std::move(slot)),
      transport_(std::move(transport)),
      timer_(
          loop,
          [](void* self) noexcept {
            User* user = static_cast<Connection*>(self)->user_;
            if (user) user->OnTimeout();
          },
          this) {
  transport_->set_listener(this);
}

void Connection::OnReadable() noexcept {
  if (user_) return user_->OnReadable();
  // Nobody asked for anything: the server has closed, or says what would be taken for the answer to
  // the next request. Tickets of TLS are fine.
  if (idle_in_ && !transport_->IdleIsSound()) idle_in_->Drop(this);
}

void Connection::OnWritable() noexcept {
  if (user_) user_->OnWritable();
}

}  // namespace creche::http
