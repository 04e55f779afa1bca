// From libpq's failures to Errors.
#pragma once
#include <string>

#include "core/error.h"

struct pg_result;

namespace creche::pg {

// What the server said, from a PGRES_FATAL_ERROR result that has an SQLSTATE. All of it comes from
// the result: PQerrorMessage accumulates in a pipeline.
ErrorRef ServerError(const pg_result* result, Phase phase) noexcept;

// True if the result's SQLSTATE is this one.
bool HasState(const pg_result* result, const char* sqlstate) noexcept;
bool HasState(const ErrorRef& error, const char* sqlstate) noexcept;

// True if the same call may well succeed later, and doing it again is safe.
bool IsRetryable(const char* sqlstate) noexcept;

// What to do about it; "" if there is nothing that fits.
const char* Advice(const char* sqlstate) noexcept;

// libpq's own message in one line.
std::string OneLine(const char* message);

}  // namespace creche::pg
