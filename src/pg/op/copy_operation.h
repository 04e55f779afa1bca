// CopyOperation: what copies in either direction have in common.
#pragma once
#include "pg/op/pg_operation.h"

namespace creche::pg {

class CopyOperation : public PgOperation {
 protected:
  using PgOperation::PgOperation;
  // How many rows there were, or why not. The server's answer to CopyFail says nothing new.
  void FinishCopy(Ending ending) noexcept;

  ErrorRef error_;  // why it was given up
};

}  // namespace creche::pg
