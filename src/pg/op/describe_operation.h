// creche_pool_describe, creche_connection_describe.
#pragma once
#include "pg/command/describe.h"
#include "pg/op/pg_operation.h"

namespace creche::pg {

// Twin of creche_description.
struct Description {
  uint32_t parameters_count;
  uint32_t reserved;
  const uint32_t* parameters;
  const RowBlock* columns;
};

class DescribeOperation final : public PgOperation {
 public:
  DescribeOperation(Connectable on, Statement&& statement)
      : PgOperation(std::move(on)), statement_(std::move(statement)) {}

 private:
  Command& command() noexcept override { return describe_; }
  ErrorRef Prepare() noexcept override;
  void Finish(Ending ending) noexcept override;

  const Statement statement_;
  RunOf<Describe, &PgOperation::OnEnd> describe_{this};
};

}  // namespace creche::pg
