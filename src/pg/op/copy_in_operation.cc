#include "pg/op/copy_in_operation.h"

#include <utility>

#include "pg/op/copy_check.h"
#include "pg/op/not_produced.h"

namespace creche::pg {

CopyInOperation::CopyInOperation(Connectable on, Statement&& statement)
    : CopyOperation(std::move(on)),
      statement_(std::move(statement)),
      unfit_(CheckCopy(statement_)) {}

ErrorRef CopyInOperation::Prepare() noexcept {
  if (unfit_) return unfit_;
  run_.Run(&statement_);
  return nullptr;
}

void CopyInOperation::OnWanted() noexcept {
  constexpr uint64_t kPiece = 256 * 1024;
  if (Ask(tasks::What::kPull, kPiece)) return;
  error_ = NoMemoryError();
  GiveUp("out of memory");
}

void CopyInOperation::GiveUp(std::string_view why) noexcept {
  // Without memory for that, by a request to cancel it.
  if (!run_.GiveUp(why)) (void)connection()->Cancel(&run_);
}

// It may come when nobody needs it any more: the server has refused, or it was cancelled.
void CopyInOperation::Answer(Status status, std::string bytes, bool more, ErrorRef error) noexcept {
  if (!run_.open()) return;
  if (status == Status::kOk) return run_.Give(std::move(bytes), more);
  error_ = NotProduced("what was to be copied", std::move(error));
  GiveUp(error_->message());
}

void CopyInOperation::FinishCancelled(Phase phase, const Ending& ending) noexcept {
  run_.Close();
  PgOperation::FinishCancelled(phase, ending);
}

void CopyInOperation::Finish(Ending ending) noexcept {
  run_.Close();
  FinishCopy(std::move(ending));
}

}  // namespace creche::pg
