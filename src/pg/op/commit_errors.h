// How a COMMIT ends that does not commit, as errors: whoever may commit (a step of the user's, a
// whole transaction) says the same.
#pragma once
#include "core/error.h"
#include "pg/command/command.h"

namespace creche::pg {

// How a COMMIT ended, as an error; null if it was committed.
ErrorRef CommitError(const Ending& ending) noexcept;
// It was to be committed, and was rolled back.
ErrorRef RolledBack() noexcept;
// The transaction that was to be committed is not open any more.
ErrorRef EndedBefore() noexcept;
// Its answer did not come in commit_timeout.
ErrorRef CommitLate() noexcept;
// It was not even sent in commit_timeout.
ErrorRef CommitUnsent() noexcept;

}  // namespace creche::pg
