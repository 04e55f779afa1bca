#include "http/read_operation.h"

namespace creche::http {

void ReadOperation::Cancel() noexcept {
  response_->StopRead();
  Complete(tasks::Outcome::Cancelled(Phase::kBody));
}

}  // namespace creche::http
