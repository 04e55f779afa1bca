#include "http/connection.h"

#include "http/watch.h"

namespace creche::http {

Connection::~Connection() {
  if (!hook_ || !info_) return;
  WatchFields f{};
  f.size = sizeof f;
  f.event = WatchEvent::kConnectionClosed;
  f.time = loop_->now();
  f.connection = info_->id;
  f.method = f.url = "";
  f.peer = info_->peer.c_str();
  hook_->Tell(f);
}

}  // namespace creche::http
