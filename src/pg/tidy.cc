#include "pg/tidy.h"

#include <string_view>
#include <utility>

#include "pg/connection.h"

namespace creche::pg {

namespace {

Statement Plain(std::string_view sql) {
  return Statement(sql, nullptr, 0);
}

}  // namespace

// RESET ALL does not reset the role; DISCARD ALL would drop the prepared statements.
TidyStatements::TidyStatements()
    : rollback_(Plain("ROLLBACK")),
      unlock_(Plain("SELECT pg_advisory_unlock_all()")),
      close_(Plain("CLOSE ALL")),
      unlisten_(Plain("UNLISTEN *")),
      reset_(Plain("RESET ALL")),
      authorization_(Plain("SET SESSION AUTHORIZATION DEFAULT")) {}

void Tidy::Begin(bool rollback, bool full) {
  run_.clear();
  again_ = false;
  if (rollback) run_.push_back(&all_.rollback_);
  if (full) {
    run_.insert(run_.end(), {&all_.authorization_, &all_.unlock_, &all_.close_});
    // A server in recovery cannot listen, and says so.
    if (!connection_.standby()) run_.push_back(&all_.unlisten_);
    run_.push_back(&all_.reset_);
  }
  Run(run_.data(), run_.size());
  connection_.Submit(this);
}

void Tidy::OnReply(Reply reply) noexcept {
  if (connection_.lost()) return;
  // Its own prepared statements were among what a user has thrown away.
  if (reply.undone && !std::exchange(again_, true)) return connection_.Submit(this);
  if (reply.error) return connection_.Lose(reply.error);
  // Not full means that there was nothing to undo, or that nobody wants it.
  connection_.set_clean();
}

}  // namespace creche::pg
