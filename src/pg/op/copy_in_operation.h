// creche_pool_copy_in, creche_connection_copy_in: COPY ... FROM STDIN, of pieces that the user is
// asked for.
#pragma once
#include "pg/command/copy_in.h"
#include "pg/op/copy_operation.h"

namespace creche::pg {

class CopyInOperation final : public CopyOperation {
 public:
  CopyInOperation(Connectable on, Statement&& statement);
  void Answer(Status status, std::string bytes, bool more, ErrorRef error) noexcept override;

 private:
  class Copying final : public RunOf<CopyIn, &PgOperation::OnEnd> {
   public:
    explicit Copying(CopyInOperation* operation) : RunOf(operation), operation_(*operation) {}

   private:
    void OnWanted() noexcept override { operation_.OnWanted(); }
    CopyInOperation& operation_;
  };
  Command& command() noexcept override { return run_; }
  ErrorRef Prepare() noexcept override;
  void GiveUp(std::string_view why) noexcept;
  void OnWanted() noexcept;
  void Finish(Ending ending) noexcept override;
  void FinishCancelled(Phase phase, const Ending& ending) noexcept override;
  void BeginAgain() noexcept override { run_.Close(); }
  // What was pulled is gone.
  bool Repeatable(const Ending&) const noexcept override { return !run_.asked(); }

  const Statement statement_;
  const ErrorRef unfit_;  // why it cannot be run
  Copying run_{this};
};

}  // namespace creche::pg
