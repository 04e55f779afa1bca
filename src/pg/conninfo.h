// Conninfo: what a DSN, the environment and the service file say together, with the hosts taken
// apart, so that each can be resolved off the loop and tried with a time limit of its own.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/status.h"

struct pg_conn;

namespace creche::pg {

// One server. Empty: libpq's default.
struct Target {
  std::string host;
  std::string address;
  std::string port;
  // "db.example.org:5432", for messages.
  std::string Text() const;
};

struct Conninfo {
  std::vector<std::pair<std::string, std::string>> options;  // all but hosts and session_attrs
  std::vector<Target> targets;                               // at least one
  std::string session_attrs;                                 // target_session_attrs
  Nanos host_timeout = kNever;                               // connect_timeout
};

// Blocks: reads files. dsn: null for the environment alone. application_name: empty for the DSN's.
// Failures: CRECHE_E_INVALID, phase options.
Result<Conninfo> ReadConninfo(const char* dsn, const std::string& application_name);

// Begins to connect to one target: resolves its name and reads files, so it blocks; the connecting
// itself does not. A connection that is already bad holds its own message.
Result<pg_conn*> BeginConnect(const Conninfo& info, const Target& target,
                              const std::string& session_attrs);

}  // namespace creche::pg
