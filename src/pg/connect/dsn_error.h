// Why libpq does not take a DSN: without a byte of it, since any of them may be of a password.
#pragma once
#include <string>
#include <string_view>

#include "core/error.h"

struct _PQconninfoOption;

namespace creche::pg {

// "the DSN cannot be used: ...": CRECHE_E_INVALID, phase options. All here may throw bad_alloc.
ErrorRef BadDsn(const std::string& why);

// why: what libpq says.
ErrorRef DsnError(const char* dsn, const char* why);
// It parses, but a value in it is none. options: libpq's list, for their names.
ErrorRef DsnValueError(const char* dsn, const char* why, const _PQconninfoOption* options);
// Null, or what is wrong with a value that libpq looks at only when it connects, and quotes then.
ErrorRef CheckDsnValue(std::string_view option, std::string_view value);

}  // namespace creche::pg
