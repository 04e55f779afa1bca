#include "pg/op/copy_operation.h"

#include <utility>

#include "pg/op/query_operation.h"

namespace creche::pg {

void CopyOperation::FinishCopy(Ending ending) noexcept {
  if (error_ || ending.error) Break(ending);
  if (error_) return Fail(error_);
  if (ending.error) return Fail(std::move(ending.error));
  tasks::Outcome outcome;
  outcome.code = AffectedCode(ending.affected);
  outcome.value = ending.affected > 0 ? static_cast<uint64_t>(ending.affected) : 0;
  Complete(std::move(outcome));
}

}  // namespace creche::pg
