// Why libpq does not take a DSN: without a byte of it, since any of them may be of a password.
#pragma once
#include "core/error.h"

namespace creche::pg {

// why: what libpq says. CRECHE_E_INVALID, phase options. May throw bad_alloc.
ErrorRef DsnError(const char* dsn, const char* why);

}  // namespace creche::pg
