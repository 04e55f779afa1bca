// A DSN with a slip of the pen is read as something else than was meant: a piece of the password
// stands where a host, a user or a database should be, and what is said of those would show it.
#pragma once
#include <string_view>

namespace creche::pg {

// Why something in this DSN may be a piece of a password that is not its password: "there is ..."
// and what to write instead. Null: it is what it looks like.
const char* DsnSlip(std::string_view dsn) noexcept;

}  // namespace creche::pg
