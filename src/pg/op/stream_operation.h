// Streams (creche_pool_stream, creche_connection_stream): rows in blocks as they come, bounded by
// the blocks that the user has not released.
#pragma once
#include "pg/command/preview.h"
#include "pg/command/row_stream.h"
#include "pg/op/block_budget.h"
#include "pg/op/pg_operation.h"
#include "pg/op/query_operation.h"

namespace creche::pg {

class StreamOperation final : public PgOperation, public BlockBudget::Owner {
 public:
  StreamOperation(Connectable on, Statement&& statement, const QueryOptions& options);
  ~StreamOperation() override;

 private:
  class Streaming final : public RunOf<RowStream, &PgOperation::OnEnd> {
   public:
    Streaming(StreamOperation* operation, const QueryOptions& options)
        : RunOf(operation, options.block_rows, options.block_bytes), operation_(*operation) {}

   private:
    void OnRows() noexcept override { operation_.OnRows(); }
    StreamOperation& operation_;
  };
  // What it does not know, and cannot ask while rows come, it asks before.
  Command& command() noexcept override {
    if (previewed_) return run_;
    return preview_;
  }
  void OnPreview(Ending ending) noexcept;
  void Understood(Ending ending) noexcept override;
  // The statement itself, from here on.
  void Begin(Connection* connection) noexcept;
  ErrorRef Prepare() noexcept override;
  void OnRows() noexcept;
  void Finish(Ending ending) noexcept override;
  // Once rows were handed out it cannot be begun anew.
  bool Repeatable(const Ending&) const noexcept override { return rows_ == 0; }
  void BeginAgain() noexcept override;
  // Hands out what was collected.
  bool Deliver() noexcept;
  // The same, while it runs; with what follows from it.
  void DeliverNow() noexcept;
  void OnBlockBack() noexcept override;
  static void OnTimer(void* self) noexcept;

  // Rows do not wait longer than this for their block to fill up.
  static constexpr Nanos kPatience = 5 * kMillisecond;
  const Statement statement_;
  const QueryOptions options_;
  Streaming run_;
  RunOf<Preview, &StreamOperation::OnPreview> preview_{this};
  Connection* on_connection_ = nullptr;
  bool previewed_ = false;
  Ref<BlockBudget> budget_;
  std::unique_ptr<Timer> timer_;
  uint64_t rows_ = 0;  // delivered
  ErrorRef error_;
};

}  // namespace creche::pg
