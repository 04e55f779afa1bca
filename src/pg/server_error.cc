#include "pg/server_error.h"

#include <libpq-fe.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace creche::pg {

namespace {

struct Known {
  const char* state;  // five characters, or the two of a class
  bool retryable;
  const char* advice;
};

constexpr Known kKnown[] = {
    {"08", true, "the connection failed: try again"},
    {"22P02", false, "check the text of the parameters against their types"},
    {"22P03", false, "check the binary form of the parameters against their types"},
    {"23505", false, "handle the conflict, or use ON CONFLICT"},
    {"25P02", false, "an earlier statement failed: roll back first"},
    {"26000", false, "behind a pooler use CRECHE_POOL_NO_PREPARE"},
    {"28000", false, "check user, database and pg_hba.conf"},
    {"28P01", false, "check the password"},
    {"3D000", false, "create the database, or correct the DSN"},
    {"40001", true, "run the transaction again"},
    {"40P01", true, "run the transaction again"},
    {"42P01", false, "check the name and the search_path"},
    {"42P05", false, "behind a pooler use CRECHE_POOL_NO_PREPARE"},
    {"42P18", false, "declare the parameter's type, or cast it: $1::int"},
    {"42883", false, "check the argument types; cast results that have no binary form to text"},
    {"53300", true, "lower max_size or raise the server's max_connections"},
    {"55P03", true, "somebody else holds the lock: try again"},
    {"57P01", true, "the server ended the session: try again"},
    {"57P02", true, "the server crashed: try again"},
    {"57P03", true, "the server is starting or stopping: try again"},
    {"57P04", true, "the database was dropped"},
    {"57P05", true, "the session was idle for too long: try again"},
};

const Known* Find(const char* state) noexcept {
  for (const Known& known : kKnown)
    if (std::strncmp(known.state, state, std::strlen(known.state)) == 0) return &known;
  return nullptr;
}

}  // namespace

bool IsRetryable(const char* sqlstate) noexcept {
  const Known* known = Find(sqlstate);
  return known && known->retryable;
}

const char* Advice(const char* sqlstate) noexcept {
  const Known* known = Find(sqlstate);
  return known ? known->advice : "";
}

bool HasState(const PGresult* result, const char* sqlstate) noexcept {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state && std::strcmp(state, sqlstate) == 0;
}

bool HasState(const ErrorRef& error, const char* sqlstate) noexcept {
  return error && std::strcmp(error->fields().sqlstate, sqlstate) == 0;
}

std::string OneLine(const char* message) {
  std::string line;
  for (const char* p = message ? message : ""; *p; p++) {
    const bool space = *p == '\n' || *p == '\t' || *p == ' ';
    if (!space)
      line += *p;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

ErrorRef ServerError(const PGresult* result, Phase phase) noexcept {
  try {
    const auto field = [result](int code) {
      const char* text = PQresultErrorField(result, code);
      return std::string(text ? text : "");
    };
    ErrorInfo info;
    info.status = Status::kPg;
    info.phase = phase;
    info.sqlstate = field(PG_DIAG_SQLSTATE);
    info.server[kServerSeverity] = field(PG_DIAG_SEVERITY_NONLOCALIZED);
    info.server[kServerMessage] = field(PG_DIAG_MESSAGE_PRIMARY);
    info.server[kServerDetail] = field(PG_DIAG_MESSAGE_DETAIL);
    info.server[kServerHint] = field(PG_DIAG_MESSAGE_HINT);
    info.server[kServerContext] = field(PG_DIAG_CONTEXT);
    info.server[kServerSchema] = field(PG_DIAG_SCHEMA_NAME);
    info.server[kServerTable] = field(PG_DIAG_TABLE_NAME);
    info.server[kServerColumn] = field(PG_DIAG_COLUMN_NAME);
    info.server[kServerDatatype] = field(PG_DIAG_DATATYPE_NAME);
    info.server[kServerConstraint] = field(PG_DIAG_CONSTRAINT_NAME);
    info.server[kServerRoutine] = field(PG_DIAG_SOURCE_FUNCTION);
    info.server_position = std::atoi(field(PG_DIAG_STATEMENT_POSITION).c_str());
    if (IsRetryable(info.sqlstate.c_str())) info.flags |= kRetryable;

    // "relation "x" does not exist [42P01]; hint"
    info.message = OneLine(info.server[kServerMessage].c_str()) + " [" + info.sqlstate + "]";
    if (!info.server[kServerDetail].empty())
      info.message += "; " + OneLine(info.server[kServerDetail].c_str());
    const std::string& hint = info.server[kServerHint];
    const std::string advice = hint.empty() ? Advice(info.sqlstate.c_str()) : OneLine(hint.c_str());
    if (!advice.empty()) info.message += "; " + advice;
    return MakeError(std::move(info));
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::pg
