#include "pg/command/reset.h"

#include <new>
#include <string_view>
#include <utility>

#include "pg/command/init_script.h"
#include "pg/connection.h"
#include "pg/protocol/server_error.h"

namespace creche::pg {

namespace {

Statement Plain(std::string_view sql) {
  return Statement(sql, nullptr, 0);
}

}  // namespace

// What DISCARD ALL does, but for our own prepared statements. Nothing here may run what the user
// before has defined: the rights come back first, then the settings (a search_path of his, a
// statement_timeout), and functions are called by their schema all the same.
ResetStatements::ResetStatements()
    : rollback_(Plain("ROLLBACK")),
      authorization_(Plain("SET SESSION AUTHORIZATION DEFAULT")),
      role_(Plain("RESET ROLE")),
      reset_(Plain("RESET ALL")),
      unlock_(Plain("SELECT pg_catalog.pg_advisory_unlock_all()")),
      close_(Plain("CLOSE ALL")),
      unlisten_(Plain("UNLISTEN *")),
      temp_(Plain("DISCARD TEMP")),
      sequences_(Plain("DISCARD SEQUENCES")),
      deallocate_(Plain("DEALLOCATE ALL")) {}

void Reset::Begin(bool rollback, bool full) {
  again_ = false;
  full_ = full;
  Gather(rollback);
  set_prepare(true);
  Run(run_.data(), run_.size());
  connection_.Submit(this);
}

void Reset::Gather(bool rollback) {
  run_.clear();
  if (rollback) run_.push_back(&all_.rollback_);
  if (!full_) return;
  // RESET ALL leaves the role; the default authorization has none, but the DSN may.
  run_.insert(run_.end(), {&all_.authorization_, &all_.role_, &all_.reset_, &all_.unlock_,
                           &all_.close_, &all_.temp_, &all_.sequences_});
  // A server in recovery cannot listen, and says so.
  if (!connection_.session().standby()) run_.push_back(&all_.unlisten_);
  // Those of the user cannot be told from ours, which are then prepared again.
  if (connection_.session().foreign_statements) run_.push_back(&all_.deallocate_);
  const auto& unknown = connection_.shared().unknown_resets;
  std::erase_if(run_, [&](const Statement* s) { return unknown.contains(s->hash()); });
}

bool Reset::SentWithout(const Ending& ending) noexcept {
  const bool unknown = HasState(ending.error, "0A000") || HasState(ending.error, "42601") ||
                       HasState(ending.error, "42883");
  const size_t which = ending.done;
  if (!full_ || !unknown || which >= run_.size()) return false;
  // There is no server without transactions or settings.
  if (run_[which] == &all_.rollback_ || run_[which] == &all_.reset_) return false;
  try {
    connection_.shared().unknown_resets.insert(run_[which]->hash());
    Gather(false);  // that was before
  } catch (const std::bad_alloc&) {
    return false;
  }
  Run(run_.data(), run_.size());  // never none
  connection_.Submit(this);
  return true;
}

void Reset::OnEnd(Ending ending) noexcept {
  if (connection_.lost()) return;
  // Its own prepared statements were among what a user has thrown away.
  if (ending.undone && !std::exchange(again_, true)) return connection_.Submit(this);
  if (ending.error) {
    if (!SentWithout(ending)) connection_.Lose(ending.error);
    return;
  }
  // Not full means that there was nothing to undo, or that nobody wants it. Statements that the
  // user had prepared behind our back while this was sent take another round.
  if (!full_ || !connection_.session().foreign_statements) connection_.session().dirty = false;
  if (full_ && then_) then_->Begin();
}

}  // namespace creche::pg
