// Reset: what is run on a connection before somebody else gets it: roll back what is open, undo
// what was left in the session. One flight, behind whatever is still running; if it fails the
// connection is dropped. Servers that only speak PostgreSQL's protocol have not all of it: what one
// says that it does not know has left nothing to be undone, and is not asked for again.
#pragma once
#include <vector>

#include "pg/command/query.h"
#include "pg/sql/statement.h"

namespace creche::pg {

class Connection;
class InitScript;

// The statements, made once for a pool.
class ResetStatements {
 public:
  ResetStatements();

 private:
  friend class Reset;
  Statement rollback_, authorization_, role_, reset_, unlock_, close_, unlisten_, temp_, sequences_,
      deallocate_;
};

class Reset final : public Query {
 public:
  Reset(Connection& connection, const ResetStatements& statements)
      : connection_(connection), all_(statements) {}
  // full: the whole session, not only an open transaction. At least one of the two. May throw
  // bad_alloc.
  void Begin(bool rollback, bool full);
  // What follows a full one.
  void set_then(InitScript* then) noexcept { then_ = then; }
  void OnEnd(Ending ending) noexcept override;

 private:
  void Gather(bool rollback);
  // The server does not know a statement of it: true if the rest was sent again.
  bool SentWithout(const Ending& ending) noexcept;

  Connection& connection_;
  const ResetStatements& all_;
  std::vector<const Statement*> run_;
  bool again_ = false;  // it was sent a second time
  bool full_ = false;
  InitScript* then_ = nullptr;
};

}  // namespace creche::pg
