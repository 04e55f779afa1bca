#include "pg/op/commit_errors.h"

#include <cstring>
#include <new>

#include "pg/protocol/server_error.h"

namespace creche::pg {

ErrorRef RolledBack() noexcept {
  return MakeError(Status::kRolledBack, Phase::kCommit,
                   "the transaction was rolled back: a statement in it had failed, or was "
                   "cancelled");
}

ErrorRef EndedBefore() noexcept {
  return MakeError(Status::kState, Phase::kCommit,
                   "a statement of its own has ended the transaction (COMMIT, ROLLBACK, ...): "
                   "leave that to creche_pool_transaction or creche_connection_commit");
}

ErrorRef CommitLate() noexcept {
  return MakeError(Status::kOutcomeUnknown, Phase::kCommit,
                   "the answer to COMMIT did not come in commit_timeout: it may or may not have "
                   "been committed; the connection was dropped");
}

ErrorRef CommitUnsent() noexcept {
  return MakeError(Status::kRolledBack, Phase::kCommit,
                   "the transaction was rolled back: COMMIT could not be sent in commit_timeout, "
                   "behind what was running; the connection was dropped");
}

ErrorRef CommitError(const Ending& ending) noexcept {
  if (!ending.error) {
    // COMMIT in a transaction that has failed is answered by ROLLBACK, which is no error there.
    const RowBlock* block = ending.rows ? ending.rows->block() : nullptr;
    const char* base = reinterpret_cast<const char*>(block);
    if (!block || block->tag_offset == 0 || std::strcmp(base + block->tag_offset, "ROLLBACK") != 0)
      return nullptr;
    return RolledBack();
  }
  // Without memory for the answer nobody knows it.
  const bool answered = ending.answered && ending.error->status() != Status::kNoMemory &&
                        !LeavesUnknown(ending.error->fields().sqlstate);
  if (answered || ending.unsent || ending.error->status() == Status::kOutcomeUnknown)
    return ending.error;
  constexpr const char kUnknown[] =
      "the connection was lost before COMMIT was answered: it may or may not have been committed";
  try {
    ErrorRef unknown = MakeError(ErrorInfo{.status = Status::kOutcomeUnknown,
                                           .phase = Phase::kCommit,
                                           .message = kUnknown,
                                           .cause = ending.error});
    if (unknown->status() == Status::kOutcomeUnknown) return unknown;
  } catch (const std::bad_alloc&) {
  }
  return OutcomeUnknownError();
}

}  // namespace creche::pg
