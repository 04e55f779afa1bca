// What one statement is and leaves, as far as its words tell.
#pragma once
#include <cstdint>
#include <string_view>

namespace creche::pg {

// The first word of a statement, as far as it matters.
enum class Verb : uint8_t {
  kOther,
  kQuery,        // SELECT, INSERT, ...: what is planned. The columns of its result cannot change
                 // unless the server says so; those of a FETCH or EXECUTE can
  kCopy,         // needs more than a statement and an answer
  kTransaction,  // BEGIN, COMMIT, ...: may leave a transaction open
  kProcedure,    // CALL, DO: may commit in the middle
};
Verb VerbOf(std::string_view sql) noexcept;
// True if its text has what leaves something in the session, which its tag does not tell: a
// function that sets something or takes an advisory lock, pg_settings that is updated, SELECT ...
// INTO.
bool LeavesState(std::string_view sql) noexcept;

// True if a query's words tell that it may read the catalog, some of which has no binary form:
// rights.
bool ReadsCatalog(std::string_view sql) noexcept;

// Whose names may stand for something else behind a statement, as far as its words tell: what is
// prepared by then has other columns or parameters, perhaps. What a function does that it calls
// does not tell.
enum class Renames : uint8_t {
  kNothing,
  kSession,    // a search_path, a role, what was made or is gone (and may be a temporary table)
  kEverybody,  // ALTER
};
// script: it is several, of which any may.
Renames RenamesOf(std::string_view sql, bool script) noexcept;

}  // namespace creche::pg
