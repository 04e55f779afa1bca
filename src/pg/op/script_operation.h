// Many statements in one text, without results (creche_pool_script, creche_connection_script).
#pragma once
#include "pg/command/script.h"
#include "pg/op/pg_operation.h"

namespace creche::pg {

class ScriptOperation final : public PgOperation {
 public:
  ScriptOperation(Connectable on, Statement&& script)
      : PgOperation(std::move(on)), script_(std::move(script)) {}

 private:
  Command& command() noexcept override { return run_; }
  ErrorRef Prepare() noexcept override;
  void Finish(Ending ending) noexcept override;
  bool Repeatable(const Ending&) const noexcept override { return false; }

  const Statement script_;
  RunOf<Script, &PgOperation::OnEnd> run_{this};
};

}  // namespace creche::pg
