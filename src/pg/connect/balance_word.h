// load_balance_hosts in a DSN: the order of hosts is ours, so it is understood whichever libpq
// there is; one before 16 refuses the word.
#pragma once
#include <optional>
#include <string>

namespace creche::pg {

// Takes it out of a DSN; the value of the last one, as it stands there; nothing: there is none. May
// throw bad_alloc.
std::optional<std::string> TakeBalanceWord(std::string* dsn);

}  // namespace creche::pg
