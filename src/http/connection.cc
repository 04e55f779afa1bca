#include "http/connection.h"

#include "http/origin_pool.h"

namespace creche::http {

Slot::~Slot() {
  if (pool_) pool_->Freed(origin_);
}

void Connection::CheckIdle() noexcept {
  if (idle_in_ && !IdleIsSound()) idle_in_->Drop(this);
}

}  // namespace creche::http
