// Conninfo: what a DSN, the environment and the service file say together, with the hosts taken
// apart, so that each can be resolved off the loop and each of its addresses tried with a time
// limit of its own.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/status.h"
#include "pg/connect/secrets.h"

struct pg_conn;

namespace creche::pg {

// One server. Empty: libpq's default.
struct Target {
  std::string host;
  std::string address;
  std::string port;
  // "db.example.org:5432", for messages, once secrets are hidden in it.
  std::string Text() const;
  // Whether its host is to be resolved: neither an address nor the path of a socket.
  bool is_name() const;
};

struct Conninfo {
  std::vector<std::pair<std::string, std::string>> options;  // all but hosts and session_attrs
  std::vector<Target> targets;                               // at least one
  std::string session_attrs;                                 // target_session_attrs
  Nanos host_timeout = kNever;                               // connect_timeout
  bool balance = false;                                      // load_balance_hosts=random
  bool passfile_refused = false;                             // others may read it: libpq does not
  Secrets secrets;                                           // not to be shown in messages
};

// Blocks: reads files. dsn: null for the environment alone. application_name: empty for the DSN's.
// Failures: CRECHE_E_INVALID, phase options; no message has anything of a password.
Result<Conninfo> ReadConninfo(const char* dsn, const std::string& application_name);

// Begins to connect to one target, by the address that its name was resolved to (empty if it has
// none to resolve). password: in place of the DSN's; null: that. Reads files, so it blocks; the
// connecting itself does not. A connection that is already bad holds its own message.
Result<pg_conn*> BeginConnect(const Conninfo& info, const Target& target,
                              const std::string& address, const std::string& session_attrs,
                              const std::string* password);

}  // namespace creche::pg
