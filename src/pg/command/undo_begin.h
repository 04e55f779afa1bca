// UndoBegin: ends a transaction whose begin has failed, when its user has been told of that. Owns
// itself. Loop's thread.
#pragma once
#include "core/ref.h"
#include "pg/command/level.h"
#include "pg/command/query.h"

namespace creche::pg {

class Connection;

class UndoBegin final : public Query {
 public:
  // Without memory the connection is given up.
  static void Submit(Connection& connection, Ref<Level> level) noexcept;
  void OnEnd(Ending ending) noexcept override;

 private:
  UndoBegin(Connection& connection, Ref<Level> level);
  bool OnTurn(bool in_transaction, ErrorRef* failed) noexcept override;

  Connection& connection_;
  const Ref<Level> level_;
  const Statement rollback_;
  const Statement back_;
  const Statement release_;
  const Statement* run_[2];
};

}  // namespace creche::pg
