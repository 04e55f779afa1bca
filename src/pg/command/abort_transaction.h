// AbortTransaction: stands where a statement of a transaction was cut before it was sent
// (cancelled, out of memory, a value that does not fit), and fails there. So it is the server that
// keeps the books: what follows fails, and COMMIT rolls back, up to a rollback, to the savepoint if
// there is one. Owns itself. Loop's thread.
#pragma once
#include "core/ref.h"
#include "pg/command/level.h"
#include "pg/command/query.h"

namespace creche::pg {

class Connection;

class AbortTransaction final : public Query {
 public:
  // level: the place is that of its begin, which is cut: it is opened first, so that what was to
  // happen in it does not happen outside of it. Null without memory.
  static AbortTransaction* Make(Connection& connection, Ref<Level> level) noexcept;
  void OnEnd(Ending ending) noexcept override;

 private:
  AbortTransaction(Connection& connection, Ref<Level> level);
  bool OnTurn(bool in_transaction, ErrorRef* failed) noexcept override;

  Connection& connection_;
  const Ref<Level> level_;
  const Statement begin_;
  const Statement savepoint_;
  const Statement break_;
  const Statement* run_[2];
  static constexpr int kMaxTries = 10;
  int tries_ = 0;
};

}  // namespace creche::pg
