#include "pg/op/copy_out_operation.h"

#include <cstring>
#include <new>

#include "pg/connection.h"
#include "pg/op/copy_check.h"

namespace creche::pg {

CopyOutOperation::CopyOutOperation(Connectable on, Statement&& statement,
                                   const CopyOptions& options)
    : CopyOperation(std::move(on)),
      statement_(std::move(statement)),
      unfit_(CheckCopy(statement_)),
      options_(options),
      run_(this, options.chunk_bytes) {}

CopyOutOperation::~CopyOutOperation() {
  if (budget_) budget_->Forget();
}

ErrorRef CopyOutOperation::Prepare() noexcept {
  if (unfit_) return unfit_;
  try {
    budget_ = MakeRef<BlockBudget>(this, loop());
    timer_ = std::make_unique<Timer>(loop(), OnTimer, this);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
  run_.Run(&statement_);
  return nullptr;
}

void CopyOutOperation::BeginAgain() noexcept {
  timer_->Disarm();
  run_.bytes().Clear();
}

void CopyOutOperation::OnPiece() noexcept {
  if (error_) return;
  if (run_.full()) return DeliverNow();
  if (timer_->armed() || timer_->Arm(After(loop().now(), kPatience))) return;
  error_ = NoMemoryError();
  (void)connection()->Cancel(&run_);
}

void CopyOutOperation::DeliverNow() noexcept {
  if (!Deliver()) {
    error_ = NoMemoryError();
    (void)connection()->Cancel(&run_);
  } else if (budget_->held() >= options_.chunks) {
    connection()->Pause(true);
  }
}

bool CopyOutOperation::Deliver() noexcept {
  timer_->Disarm();
  tasks::Outcome outcome;
  outcome.what = tasks::What::kChunk;
  outcome.owned = true;
  const std::string_view bytes = run_.bytes().view();
  try {
    Ref<Rows> chunk = Rows::MakeBytes(bytes.size());
    std::memcpy(chunk->memory(), bytes.data(), bytes.size());
    chunk->set_listener(budget_);
    outcome.data = chunk->memory();
    outcome.size = bytes.size();
    outcome.value = AddObject(Kind::kRows, std::move(chunk), loop());
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (outcome.value == 0) return false;
  run_.bytes().Clear();
  budget_->Given();
  const uint64_t id = outcome.value;
  if (Operation::Deliver(std::move(outcome))) return delivered_ = true;
  ReleaseObject(id);
  return false;
}

void CopyOutOperation::OnBlockBack() noexcept {
  if (connection() && budget_->held() < options_.chunks) connection()->Pause(false);
}

void CopyOutOperation::OnTimer(void* self) noexcept {
  auto* copy = static_cast<CopyOutOperation*>(self);
  if (copy->connection() && !copy->stopping() && !copy->error_ && !copy->run_.bytes().empty())
    copy->DeliverNow();
}

void CopyOutOperation::Finish(Ending ending) noexcept {
  timer_->Disarm();
  // An error behind bytes: those came first.
  if (!error_ && !run_.bytes().empty() && !Deliver()) error_ = NoMemoryError();
  FinishCopy(std::move(ending));
}

}  // namespace creche::pg
