// Tidy: what is run on a connection before somebody else gets it: roll back what is open, undo what
// was left in the session. One flight, behind whatever is still running; if it fails the connection
// is dropped.
#pragma once
#include <vector>

#include "pg/request.h"
#include "pg/statement.h"

namespace creche::pg {

class Connection;

// The statements, made once for a pool.
class TidyStatements {
 public:
  TidyStatements();

 private:
  friend class Tidy;
  Statement rollback_, authorization_, role_, reset_, unlock_, close_, unlisten_, temp_, sequences_,
      deallocate_;
};

class Tidy final : public Request {
 public:
  Tidy(Connection& connection, const TidyStatements& statements)
      : Request(Shape::kRows), connection_(connection), all_(statements) {}
  // full: the whole session, not only an open transaction. At least one of the two. May throw
  // bad_alloc.
  void Begin(bool rollback, bool full);
  void OnReply(Reply reply) noexcept override;

 private:
  Connection& connection_;
  const TidyStatements& all_;
  std::vector<const Statement*> run_;
  bool again_ = false;  // it was sent a second time
  bool full_ = false;
};

}  // namespace creche::pg
