// creche_pool_copy_out, creche_connection_copy_out: COPY ... TO STDOUT as chunks of bytes, bounded
// by those that the user has not released.
#pragma once
#include <memory>

#include "pg/command/copy_out.h"
#include "pg/op/block_budget.h"
#include "pg/op/copy_operation.h"

namespace creche::pg {

struct CopyOptions {
  uint32_t chunk_bytes = 256 << 10;
  uint32_t chunks = 4;
};

class CopyOutOperation final : public CopyOperation, public BlockBudget::Owner {
 public:
  CopyOutOperation(Connectable on, Statement&& statement, const CopyOptions& options);
  ~CopyOutOperation() override;

 private:
  class Copying final : public RunOf<CopyOut, &PgOperation::OnEnd> {
   public:
    Copying(CopyOutOperation* operation, size_t full)
        : RunOf(operation, full), operation_(*operation) {}

   private:
    void OnPiece() noexcept override { operation_.OnPiece(); }
    CopyOutOperation& operation_;
  };
  Command& command() noexcept override { return run_; }
  ErrorRef Prepare() noexcept override;
  void OnPiece() noexcept;
  void OnBlockBack() noexcept override;
  void Finish(Ending ending) noexcept override;
  bool Repeatable(const Ending&) const noexcept override { return !delivered_; }
  void BeginAgain() noexcept override;
  bool Deliver() noexcept;
  void DeliverNow() noexcept;
  static void OnTimer(void* self) noexcept;

  // Bytes do not wait longer than this for their chunk to fill up.
  static constexpr Nanos kPatience = 5 * kMillisecond;
  const Statement statement_;
  const ErrorRef unfit_;  // why it cannot be run
  const CopyOptions options_;
  Copying run_;
  Ref<BlockBudget> budget_;
  std::unique_ptr<Timer> timer_;
  bool delivered_ = false;
};

}  // namespace creche::pg
