// What a text of SQL would do, as far as its words tell, without a look into quotes and comments.
#pragma once
#include <string_view>

namespace creche::pg {

// True for a statement that may end the transaction it stands in: COMMIT, END, ROLLBACK, ABORT,
// PREPARE TRANSACTION, but not ROLLBACK TO a savepoint.
bool EndsTransaction(std::string_view statement) noexcept;

struct ScriptFacts {
  bool ends_transaction = false;  // the same for any of several statements
  bool copies = false;            // one of them is a COPY from or to the client
};
// Looks at all of a text.
// True if something stands behind the semicolon that ends the first statement.
bool HasMore(std::string_view sql) noexcept;

ScriptFacts LookAtScript(std::string_view script) noexcept;

}  // namespace creche::pg
