// Undo: ends a transaction whose begin has failed, when its user has been told of that. Owns
// itself. Loop's thread.
#pragma once
#include "core/ref.h"
#include "pg/level.h"
#include "pg/request.h"

namespace creche::pg {

class Connection;

class Undo final : public Request {
 public:
  // Without memory the connection is given up.
  static void Submit(Connection& connection, Ref<Level> level) noexcept;
  void OnReply(Reply reply) noexcept override;

 private:
  Undo(Connection& connection, Ref<Level> level);
  bool OnSend(bool in_transaction, ErrorRef* failed) noexcept override;

  Connection& connection_;
  const Ref<Level> level_;
  const Statement rollback_;
  const Statement back_;
  const Statement release_;
  const Statement* run_[2];
};

}  // namespace creche::pg
