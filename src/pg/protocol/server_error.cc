#include "pg/protocol/server_error.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <new>

#include "pg/wire/libpq_transport.h"

namespace creche::pg {

namespace {

// When the same call may be made again. The server may have done what it was asked for whenever a
// session ends before it has answered, also if it, or a proxy in front of it, says why.
enum Again : uint8_t {
  kNo,
  kConnecting,  // refused at the door: nothing was asked for yet
  kAnswered,    // an answer of the server's to what it has rolled back
};

struct Known {
  const char* state;  // five characters, or the two of a class
  uint8_t again;
  const char* advice;
};

constexpr const char kDone[] =
    "the session ended first: it may have been done, look before you do it again";

constexpr Known kKnown[] = {
    {"08P01", kNo, "check the binary form of the parameters against their types"},
    {"08007", kNo, kDone},
    {"08", kConnecting, kDone},
    {"22P02", kNo, "check the text of the parameters against their types"},
    {"22P03", kNo, "check the binary form of the parameters against their types"},
    {"23505", kNo, "handle the conflict, or use ON CONFLICT"},
    {"25P02", kNo, "an earlier statement failed or was cancelled: roll back first"},
    {"25P03", kNo,
     "the transaction was idle for too long: end it sooner, or raise "
     "idle_in_transaction_session_timeout"},
    {"26000", kNo, "behind a pooler use CRECHE_POOL_NO_PREPARE"},
    {"28000", kNo, "check user, database and pg_hba.conf"},
    {"28P01", kNo, "check the password"},
    {"3D000", kNo, "create the database, or correct the DSN"},
    {"40001", kAnswered, "run the transaction again"},
    {"40003", kNo, kDone},
    {"40P01", kAnswered, "run the transaction again"},
    {"42P01", kNo, "check the name and the search_path"},
    {"42P05", kNo, "behind a pooler use CRECHE_POOL_NO_PREPARE"},
    {"42P18", kNo, "declare the parameter's type, or cast it: $1::int"},
    {"42883", kNo, "check the argument types; cast results that have no binary form to text"},
    {"53300", kConnecting, "lower max_size or raise the server's max_connections"},
    {"55P03", kAnswered, "somebody else holds the lock: try again"},
    {"57P01", kConnecting, kDone},
    {"57P02", kConnecting, kDone},
    {"57P03", kConnecting, "the server is starting or stopping: try again"},
    {"57P04", kNo, "the database was dropped"},
    {"57P05", kConnecting, kDone},
    {"72000", kAnswered, "its snapshot was too old: run the transaction again"},
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

bool MayConnectAgain(const char* sqlstate) noexcept {
  const Known* known = Find(sqlstate);
  return known && known->again != kNo;
}

bool LeavesUnknown(const char* sqlstate) noexcept {
  return std::strncmp(sqlstate, "08", 2) == 0 || std::strcmp(sqlstate, "40003") == 0;
}

const char* Advice(const char* sqlstate) noexcept {
  const Known* known = Find(sqlstate);
  return known ? known->advice : "";
}

const char* ConnectAdvice(const char* sqlstate) noexcept {
  const Known* known = Find(sqlstate);
  return known && known->advice == kDone ? "try again" : Advice(sqlstate);
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

namespace {

// "relation "x" does not exist [42P01]; hint"
ErrorInfo InfoOf(const ServerFields& fields, Status status, Phase phase) {
  ErrorInfo info;
  info.status = status;
  info.phase = phase;
  info.sqlstate = fields.get(Field::kSqlstate);
  info.server[kServerSeverity] = fields.severity();
  info.server[kServerMessage] = fields.get(Field::kMessage);
  info.server[kServerDetail] = fields.get(Field::kDetail);
  info.server[kServerHint] = fields.get(Field::kHint);
  info.server[kServerContext] = fields.get(Field::kContext);
  info.server[kServerSchema] = fields.get(Field::kSchema);
  info.server[kServerTable] = fields.get(Field::kTable);
  info.server[kServerColumn] = fields.get(Field::kColumn);
  info.server[kServerDatatype] = fields.get(Field::kDatatype);
  info.server[kServerConstraint] = fields.get(Field::kConstraint);
  info.server[kServerRoutine] = fields.get(Field::kRoutine);
  const std::string_view position = fields.get(Field::kPosition);
  std::from_chars(position.data(), position.data() + position.size(), info.server_position);
  info.message = OneLine(info.server[kServerMessage]) + " [" + info.sqlstate + "]";
  if (!info.server[kServerDetail].empty())
    info.message += "; " + OneLine(info.server[kServerDetail]);
  const std::string& hint = info.server[kServerHint];
  const std::string advice = hint.empty() ? Advice(info.sqlstate.c_str()) : OneLine(hint);
  if (!advice.empty()) info.message += "; " + advice;
  return info;
}

}  // namespace

ErrorRef ServerError(const ServerFields& fields, Phase phase, bool rolled_back) noexcept {
  try {
    ErrorInfo info = InfoOf(fields, Status::kPg, phase);
    const Known* known = Find(info.sqlstate.c_str());
    if (rolled_back && !fields.fatal() && known && known->again == kAnswered)
      info.flags |= kRetryable;
    return MakeError(std::move(info));
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

ErrorRef ServerNotice(const ServerFields& fields) noexcept {
  try {
    return MakeError(InfoOf(fields, Status::kOk, Phase::kQuery));
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::pg
