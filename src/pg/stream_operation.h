// Streams (creche_pool_stream, creche_connection_stream): rows in blocks as they come, bounded by
// the blocks that the user has not released.
#pragma once
#include "pg/pg_operation.h"
#include "pg/query_operation.h"
#include "pg/row_builder.h"

namespace creche::pg {

class StreamOperation final : public PgOperation {
 public:
  StreamOperation(Place place, Statement statement, const QueryOptions& options);
  ~StreamOperation() override;

 private:
  class Giver;
  ErrorRef Prepare() noexcept override;
  void OnRows() noexcept override;
  void Finish(Reply reply) noexcept override;
  // Once rows were handed out it cannot be begun anew.
  bool Repeatable() const noexcept override { return rows_ == 0; }
  void BeginAgain() noexcept override;
  // Hands out what was collected.
  bool Deliver() noexcept;
  // The same, while it runs; with what follows from it.
  void DeliverNow() noexcept;
  void BlockReleased() noexcept;
  static void OnTimer(void* self) noexcept;

  // Rows do not wait longer than this for their block to fill up.
  static constexpr Nanos kPatience = 5 * kMillisecond;
  const Statement statement_;
  const QueryOptions options_;
  RowCollector collector_;
  Ref<Giver> giver_;
  std::unique_ptr<Timer> timer_;
  uint64_t rows_ = 0;  // delivered
  ErrorRef error_;
};

}  // namespace creche::pg
