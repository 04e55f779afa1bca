#include "http/connection.h"

#include "http/watch.h"
#include "tasks/log.h"

namespace creche::http {

Connection::~Connection() {
  if (!loop_ || !info_) return;
  tasks::Log(*loop_, tasks::LogLevel::kDebug, tasks::LogEvent::kClosed, 0, farewell_,
             [this](tasks::LogRecord* record) {
               record->Add("peer", info_->peer);
               record->Add("connection", static_cast<int64_t>(info_->id));
               if (!last_words_.empty()) record->Add("why", last_words_);
             });
  if (!hook_) return;
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
