#include "pg/op/text_names_question.h"

#include <algorithm>
#include <new>
#include <utility>

#include "pg/rows/row_view.h"
#include "pg/sql/scan.h"

namespace creche::pg {

namespace {

// No operator that somebody could have put into the search path. Of what is built in, SqlText
// knows.
#define EQ "OPERATOR(pg_catalog.=)"
#define NE "OPERATOR(pg_catalog.<>)"
#define USERS "OPERATOR(pg_catalog.>=) 16384"
constexpr std::string_view kSql =
    "WITH RECURSIVE made (below, above) AS ("
    "SELECT t.typelem, t.oid FROM pg_catalog.pg_type t WHERE t.typelem " NE
    " 0 UNION ALL SELECT t.typbasetype, t.oid FROM pg_catalog.pg_type t WHERE t.typbasetype " NE
    " 0 UNION ALL SELECT r.rngsubtype, r.rngtypid FROM pg_catalog.pg_range r"
    " UNION ALL SELECT a.atttypid, c.reltype FROM pg_catalog.pg_attribute a, pg_catalog.pg_class c"
    " WHERE a.attrelid " EQ " c.oid AND c.oid " USERS " AND c.reltype " NE
    " 0 AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped"
    "), text (oid) AS ("
    "SELECT t.oid FROM pg_catalog.pg_type t WHERE t.typtype " EQ
    " 'b' AND t.typsend::pg_catalog.oid " EQ
    " 0 UNION SELECT made.above FROM text, made WHERE made.below " EQ
    " text.oid) SELECT t.typname::pg_catalog.text FROM pg_catalog.pg_type t, text WHERE t.oid " EQ
    " text.oid AND t.oid " USERS " AND t.typcategory " NE
    " 'A' UNION SELECT p.proname::pg_catalog.text FROM pg_catalog.pg_proc p WHERE p.oid " USERS
    " AND (p.prorettype " EQ
    " ANY (ARRAY(SELECT text.oid FROM text)) OR EXISTS (SELECT FROM"
    " pg_catalog.unnest(p.proallargtypes) u (oid), text WHERE u.oid " EQ " text.oid))";
#undef EQ
#undef NE
#undef USERS
constexpr uint64_t kMostSaid = 16ull << 20;

bool HasClass(const ErrorRef& error, std::string_view kind) noexcept {
  return error && std::string_view(error->fields().sqlstate).starts_with(kind);
}

// With what is not planned there is nothing to be seen before.
bool Matters(const Statement& statement, Connection& connection) noexcept {
  return statement.verb() == Verb::kQuery && !connection.shared().forms.Described(statement.hash());
}

}  // namespace

bool TextNamesQuestion::Wanted(const Statement& statement, Connection& connection,
                               Nanos now) noexcept {
  return Matters(statement, connection) && !connection.shared().text_names.Known(now);
}

bool TextNamesQuestion::Suspects(const Statement& statement, Connection& connection) noexcept {
  if (!Matters(statement, connection)) return false;
  Shared& shared = connection.shared();
  if (statement.sql().reads_catalog() || shared.text_names.In(statement.text())) return true;
  if (!shared.text_names.empty()) shared.forms.SetDescribed(statement.hash());
  return false;
}

TextNamesQuestion::TextNamesQuestion(Owner& owner, Connection& connection, Loop& loop)
    : owner_(owner), connection_(connection), loop_(loop), statement_(kSql, nullptr, 0) {
  set_prepare(false);
  set_max_bytes(kMostSaid);
  Run(&statement_);
}

void TextNamesQuestion::OnEnd(Ending ending) noexcept {
  // No such catalog: it is not PostgreSQL, quite, and is not asked again.
  if (HasClass(ending.error, "42") || HasClass(ending.error, "0A"))
    connection_.shared().text_names.Learn({}, kNever);
  if (!ending.error && ending.rows) {
    try {
      const RowView rows(ending.rows->block());
      std::vector<std::string> names;
      for (uint64_t row = 0; row < rows.rows(); row++) {
        size_t size;
        const char* name = rows.Text(row, 0, &size);
        if (!name || size == 0) continue;
        std::string& lower = names.emplace_back(name, size);
        std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
      }
      connection_.shared().forms.ForgetDescribed();
      connection_.shared().text_names.Learn(
          std::move(names), After(loop_.turn_time(), connection_.session().statement_lifetime));
    } catch (const std::bad_alloc&) {
      // It is asked once more.
    }
    ending.rows = nullptr;
  }
  owner_.OnTextNames(std::move(ending));
}

}  // namespace creche::pg
