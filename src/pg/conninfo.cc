#include "pg/conninfo.h"

#include <libpq-fe.h>
#include <netdb.h>
#include <sys/socket.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "pg/server_error.h"
#include "platform/resolve.h"

namespace creche::pg {

namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

ErrorRef BadDsn(const char* why) {
  return MakeError(ErrorInfo{.status = Status::kInvalid,
                             .phase = Phase::kOptions,
                             .message = "the DSN cannot be used: " + OneLine(why),
                             .flags = kUnsent});
}

std::vector<std::string> Split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (char c : list) {
    if (c == ',')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::string Take(Conninfo* info, const char* keyword) {
  for (auto it = info->options.begin(); it != info->options.end(); ++it) {
    if (it->first != keyword) continue;
    std::string value = std::move(it->second);
    info->options.erase(it);
    return value;
  }
  return {};
}

// "192.0.2.1" or "fe80::1%eth0"; empty if it has none.
std::string Numeric(const platform::Address& address) {
  char text[NI_MAXHOST];
  const int failed =
      getnameinfo(address.get(), address.size(), text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return failed ? std::string() : text;
}

// Keywords and values for PQconnectStartParams.
class Parameters {
 public:
  void Add(const char* keyword, const char* value) {
    keywords_.push_back(keyword);
    values_.push_back(value);
  }
  PGconn* Start(int expand_dbname) {
    Add(nullptr, nullptr);
    return PQconnectStartParams(keywords_.data(), values_.data(), expand_dbname);
  }

 private:
  std::vector<const char*> keywords_;
  std::vector<const char*> values_;
};

// A value that libpq refuses, after it has read everything and before it connects.
constexpr char kRefused[] = "creche";

}  // namespace

std::string Target::Text() const {
  const std::string& name = host.empty() ? address : host;
  if (name.empty()) return "the default server";
  return port.empty() ? name : name + ":" + port;
}

Result<Conninfo> ReadConninfo(const char* dsn, const std::string& application_name) {
  std::string gssencmode;
  if (dsn) {
    char* why = nullptr;
    const Options parsed(PQconninfoParse(dsn, &why), &PQconninfoFree);
    const std::unique_ptr<char, decltype(&PQfreemem)> owned(why, &PQfreemem);
    if (!parsed) return why ? BadDsn(why) : NoMemoryError();
    for (const PQconninfoOption* o = parsed.get(); o->keyword; o++)
      if (o->val && std::strcmp(o->keyword, "gssencmode") == 0) gssencmode = o->val;
  }
  // Only libpq knows how DSN, environment and service file come together, and it tells only for a
  // connection. So: one that is refused for an option that it checks last.
  Parameters parameters;
  if (dsn) parameters.Add("dbname", dsn);
  parameters.Add("gssencmode", kRefused);
  const Connection probe(parameters.Start(1), &PQfinish);
  if (!probe) return NoMemoryError();
  if (!std::strstr(PQerrorMessage(probe.get()), "gssencmode"))
    return BadDsn(PQerrorMessage(probe.get()));
  const Options merged(PQconninfo(probe.get()), &PQconninfoFree);
  if (!merged) return NoMemoryError();

  Conninfo info;
  for (const PQconninfoOption* o = merged.get(); o->keyword; o++)
    if (o->val && *o->val) info.options.emplace_back(o->keyword, o->val);
  (void)Take(&info, "gssencmode");
  (void)Take(&info, "service");
  (void)Take(&info, "client_encoding");
  // GSS encryption costs a round trip for everybody who does not have it: only if asked for.
  if (gssencmode.empty())
    if (const char* asked = std::getenv("PGGSSENCMODE")) gssencmode = asked;
  info.options.emplace_back("gssencmode", gssencmode.empty() ? "disable" : gssencmode);
  info.options.emplace_back("client_encoding", "UTF8");
  if (!application_name.empty()) {
    (void)Take(&info, "application_name");
    info.options.emplace_back("application_name", application_name);
  }
  info.session_attrs = Take(&info, "target_session_attrs");
  const std::string seconds = Take(&info, "connect_timeout");
  int timeout = 0;
  std::from_chars(seconds.data(), seconds.data() + seconds.size(), timeout);
  if (timeout > 0) info.host_timeout = timeout * kSecond;

  const std::vector<std::string> hosts = Split(Take(&info, "host"));
  const std::vector<std::string> addresses = Split(Take(&info, "hostaddr"));
  const std::vector<std::string> ports = Split(Take(&info, "port"));
  const size_t count = std::max(hosts.size(), addresses.size());
  const auto at = [](const std::vector<std::string>& list, size_t i) {
    return list.size() == 1 ? list[0] : i < list.size() ? list[i] : std::string();
  };
  for (size_t i = 0; i < count; i++)
    info.targets.push_back(
        {i < hosts.size() ? hosts[i] : "", i < addresses.size() ? addresses[i] : "", at(ports, i)});
  return info;
}

Result<PGconn*> BeginConnect(const Conninfo& info, const Target& target,
                             const std::string& session_attrs) {
  std::string hosts = target.host;
  std::string addresses = target.address;
  std::string ports = target.port;
  const bool name = !hosts.empty() && hosts[0] != '/' && hosts[0] != '@' && addresses.empty();
  if (name) {
    const platform::Resolved found = platform::ResolveName(target.host);
    if (found.eai != 0)
      return MakeError(
          ErrorInfo{.status = Status::kDns,
                    .phase = Phase::kDns,
                    .message = "cannot resolve " + target.host + ": " +
                               platform::ResolveErrorText(found) + "; check the host in the DSN",
                    .flags = kUnsent | (platform::ResolveErrorIsTemporary(found) ? kRetryable : 0u),
                    .system_errno = found.eai});
    // libpq tries them in turn; with numeric addresses it asks nobody.
    for (const platform::Address& address : found.addresses) {
      const std::string numeric = Numeric(address);
      if (numeric.empty()) continue;
      if (!addresses.empty()) {
        hosts += "," + target.host;
        addresses += ",";
        if (!ports.empty()) ports += "," + target.port;
      }
      addresses += numeric;
    }
  }
  Parameters parameters;
  for (const auto& [keyword, value] : info.options) parameters.Add(keyword.c_str(), value.c_str());
  if (!hosts.empty()) parameters.Add("host", hosts.c_str());
  if (!addresses.empty()) parameters.Add("hostaddr", addresses.c_str());
  if (!ports.empty()) parameters.Add("port", ports.c_str());
  if (!session_attrs.empty()) parameters.Add("target_session_attrs", session_attrs.c_str());
  PGconn* connection = parameters.Start(0);
  if (!connection) return NoMemoryError();
  return connection;
}

}  // namespace creche::pg
