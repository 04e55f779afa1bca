// The file of passwords (.pgpass), as far as libpq would say on the program's stderr that it does
// not read it.
#pragma once

namespace creche::pg {

// A path that libpq finds nothing at, and says nothing of.
inline constexpr char kNoPassfile[] = "/dev/null/pgpass";

// True if it would be looked at, but others may read it, or it is no plain file. Blocks. dsn: null
// for the environment alone. May throw bad_alloc.
bool RefusesPassfile(const char* dsn);

}  // namespace creche::pg
