#include "pg/server_error.h"

#include <charconv>
#include <cstring>
#include <new>

#include "pg/transport.h"

namespace creche::pg {

namespace {

struct Known {
  const char* state;  // five characters, or the two of a class
  bool retryable;
  const char* advice;
};

constexpr Known kKnown[] = {
    {"08P01", false, "check the binary form of the parameters against their types"},
    {"08", true, "the connection failed: try again"},
    {"22P02", false, "check the text of the parameters against their types"},
    {"22P03", false, "check the binary form of the parameters against their types"},
    {"23505", false, "handle the conflict, or use ON CONFLICT"},
    {"25P02", false, "an earlier statement failed: roll back first"},
    {"25P03", false,
     "the transaction was idle for too long: end it sooner, or raise "
     "idle_in_transaction_session_timeout"},
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

ErrorRef Disconnected(ssize_t received, const ErrorRef& last_words) noexcept {
  try {
    return MakeError(ErrorInfo{
        .status = Status::kDisconnected,
        .phase = Phase::kQuery,
        .message = last_words
                       ? std::string("the server ended the session: ") + last_words->message()
                       : "the connection was lost: " +
                             (received == 0 ? "the server closed it without a word; see its log"
                                            : TransportErrorText(received)),
        .system_errno = received < 0 ? static_cast<int>(-received) : 0,
        .cause = last_words});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

bool IsRetryable(const char* sqlstate) noexcept {
  const Known* known = Find(sqlstate);
  return known && known->retryable;
}

const char* Advice(const char* sqlstate) noexcept {
  const Known* known = Find(sqlstate);
  return known ? known->advice : "";
}

bool HasState(const ErrorRef& error, const char* sqlstate) noexcept {
  return error && std::strcmp(error->fields().sqlstate, sqlstate) == 0;
}

std::string OneLine(std::string_view message) {
  std::string line;
  for (const char c : message) {
    const bool space = c == '\n' || c == '\t' || c == ' ';
    if (!space)
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

ErrorRef ServerError(const ServerFields& fields, Phase phase) noexcept {
  try {
    ErrorInfo info;
    info.status = Status::kPg;
    info.phase = phase;
    info.sqlstate = fields.get('C');
    info.server[kServerSeverity] = fields.severity();
    info.server[kServerMessage] = fields.get('M');
    info.server[kServerDetail] = fields.get('D');
    info.server[kServerHint] = fields.get('H');
    info.server[kServerContext] = fields.get('W');
    info.server[kServerSchema] = fields.get('s');
    info.server[kServerTable] = fields.get('t');
    info.server[kServerColumn] = fields.get('c');
    info.server[kServerDatatype] = fields.get('d');
    info.server[kServerConstraint] = fields.get('n');
    info.server[kServerRoutine] = fields.get('R');
    const std::string_view position = fields.get('P');
    std::from_chars(position.data(), position.data() + position.size(), info.server_position);
    if (IsRetryable(info.sqlstate.c_str())) info.flags |= kRetryable;

    // "relation "x" does not exist [42P01]; hint"
    info.message = OneLine(info.server[kServerMessage]) + " [" + info.sqlstate + "]";
    if (!info.server[kServerDetail].empty())
      info.message += "; " + OneLine(info.server[kServerDetail]);
    const std::string& hint = info.server[kServerHint];
    const std::string advice = hint.empty() ? Advice(info.sqlstate.c_str()) : OneLine(hint);
    if (!advice.empty()) info.message += "; " + advice;
    return MakeError(std::move(info));
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::pg
