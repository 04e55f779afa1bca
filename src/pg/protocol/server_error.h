// From the server's and libpq's failures to Errors.
#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>

#include "core/error.h"
#include "pg/protocol/server_fields.h"

namespace creche::pg {

// What the server said. rolled_back: if this is its answer to a statement, it has undone all of it.
ErrorRef ServerError(const ServerFields& fields, Phase phase, bool rolled_back) noexcept;

// The same of what it says without a failure: its status is kOk.
ErrorRef ServerNotice(const ServerFields& fields) noexcept;

// The connection has ended: received: what reading it said, 0 or -errno; last_words: what the
// server had said before, or null.
ErrorRef Disconnected(ssize_t received, const ErrorRef& last_words) noexcept;

// True if the error's SQLSTATE is this one.
bool HasState(const ErrorRef& error, const char* sqlstate) noexcept;

// True if an attempt to connect that failed so may well succeed later.
bool MayConnectAgain(const char* sqlstate) noexcept;
// True if it says nothing about whether what was asked for has been done.
bool LeavesUnknown(const char* sqlstate) noexcept;

// What to do about it; "" if there is nothing that fits.
const char* Advice(const char* sqlstate) noexcept;
// The same when connecting.
const char* ConnectAdvice(const char* sqlstate) noexcept;

// A message in one line.
std::string OneLine(std::string_view message);

}  // namespace creche::pg
