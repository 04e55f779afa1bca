#include "pg/connect/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "pg/connect/balance_word.h"
#include "pg/connect/dsn_error.h"
#include "pg/connect/passfile.h"
#include "platform/openssl.h"

namespace creche::pg {

namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

// libpq says so by its text only.
bool IsAboutMemory(const char* message) {
  return std::strstr(message, "out of memory") != nullptr;
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

// Empty is the default.
bool IsPort(std::string_view port) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!port.empty() && is_space(port.front())) port.remove_prefix(1);
  while (!port.empty() && is_space(port.back())) port.remove_suffix(1);
  if (port.empty()) return true;
  if (port.front() == '+') port.remove_prefix(1);
  unsigned number = 0;
  const auto read = std::from_chars(port.data(), port.data() + port.size(), number);
  return read.ec == std::errc{} && read.ptr == port.data() + port.size() && number >= 1 &&
         number <= 65535;
}

// What stands in a host's name by a slip of the pen only; whoever resolves it need not see it.
bool IsHost(std::string_view host) {
  return host.find_first_of("@/?#=&[] \t\r\n\"'\\", host.starts_with('@') ? 1 : 0) == host.npos;
}

std::string_view ValueOf(const PQconninfoOption& option) {
  return option.val ? option.val : "";
}

// Whether two lists of libpq say the same. Both have all keywords, in libpq's order.
bool Same(const Options& a, const Options& b) {
  const PQconninfoOption* in_a = a.get();
  const PQconninfoOption* in_b = b.get();
  for (; in_a->keyword && in_b->keyword; in_a++, in_b++)
    if (ValueOf(*in_a) != ValueOf(*in_b)) return false;
  return true;
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
    platform::InitialiseOpenSsl();  // before libpq does; without memory it says so itself
    return PQconnectStartParams(keywords_.data(), values_.data(), expand_dbname);
  }

 private:
  std::vector<const char*> keywords_;
  std::vector<const char*> values_;
};

// The first libpq that knows load_balance_hosts.
constexpr int kKnowsBalance = 160000;
// A value that libpq refuses, after it has read everything and before it connects.
constexpr char kRefused[] = "creche";

}  // namespace

std::string Target::Text() const {
  const std::string& name = host.empty() ? address : host;
  if (name.empty()) return "the default server";
  return port.empty() ? name : name + ":" + port;
}

bool Target::is_name() const {
  return !host.empty() && host[0] != '/' && host[0] != '@' && address.empty();
}

Result<Conninfo> ReadConninfo(const char* dsn, const std::string& application_name) {
  Conninfo info;
  info.secrets = Secrets(dsn);
  std::string without, balance;
  if (PQlibVersion() < kKnowsBalance) {
    if (const char* word = std::getenv("PGLOADBALANCEHOSTS")) balance = word;
    if (dsn) {
      without = dsn;
      if (auto word = TakeBalanceWord(&without)) balance = std::move(*word);
      dsn = without.c_str();
    }
    if (!balance.empty())
      if (ErrorRef wrong = CheckDsnValue("load_balance_hosts", balance)) return wrong;
  }
  std::string gssencmode;
  Options parsed(nullptr, &PQconninfoFree);
  if (dsn) {
    char* why = nullptr;
    parsed.reset(PQconninfoParse(dsn, &why));
    const std::unique_ptr<char, decltype(&PQfreemem)> owned(why, &PQfreemem);
    if (!parsed) return why && !IsAboutMemory(why) ? DsnError(dsn, why) : NoMemoryError();
    for (const PQconninfoOption* o = parsed.get(); o->keyword; o++)
      if (o->val && std::strcmp(o->keyword, "gssencmode") == 0) gssencmode = o->val;
  }
  // Only libpq knows how DSN, environment and service file come together, and it tells only for a
  // connection. So: one that is refused for an option that it checks last.
  Parameters parameters;
  if (dsn) parameters.Add("dbname", dsn);
  parameters.Add("gssencmode", kRefused);
  info.passfile_refused = RefusesPassfile(dsn);
  if (info.passfile_refused) parameters.Add("passfile", kNoPassfile);
  const Connection probe(parameters.Start(1), &PQfinish);
  if (!probe) return NoMemoryError();
  const Options merged(PQconninfo(probe.get()), &PQconninfoFree);
  // A value that it has no memory for is just missing in the list, and a user's name that is
  // missing is the system's. So ask twice; and what the DSN says goes before everything, whether
  // the list has it or not (libpq keeps some keywords of old servers nowhere).
  const Options again(PQconninfo(probe.get()), &PQconninfoFree);
  if (!merged || !again || !Same(merged, again)) return NoMemoryError();
  const PQconninfoOption* said = parsed.get();  // the same keywords in the same order, or null
  for (const PQconninfoOption* o = merged.get(); o->keyword; o++) {
    const std::string_view value = ValueOf(!ValueOf(*o).empty() || !said ? *o : *said);
    if (said) said++;
    if (value.empty()) continue;
    info.options.emplace_back(o->keyword, value);
    if (std::strstr(o->keyword, "password")) info.secrets.Add(value);
  }
  for (const auto& [keyword, value] : info.options) {
    if (keyword == "user") info.secrets.Show(value);
    if (ErrorRef wrong = CheckDsnValue(keyword, value)) return wrong;
  }
  if (IsAboutMemory(PQerrorMessage(probe.get()))) return NoMemoryError();
  if (!std::strstr(PQerrorMessage(probe.get()), "gssencmode"))
    return DsnValueError(dsn, PQerrorMessage(probe.get()), merged.get());
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
  if (PQlibVersion() >= kKnowsBalance) balance = Take(&info, "load_balance_hosts");
  info.balance = balance == "random";
  const std::string seconds = Take(&info, "connect_timeout");
  int timeout = 0;
  std::from_chars(seconds.data(), seconds.data() + seconds.size(), timeout);
  if (timeout > 0) info.host_timeout = timeout * kSecond;

  const std::vector<std::string> hosts = Split(Take(&info, "host"));
  const std::vector<std::string> addresses = Split(Take(&info, "hostaddr"));
  const std::vector<std::string> ports = Split(Take(&info, "port"));
  for (const std::string& port : ports)
    if (!IsPort(port))
      return BadDsn(
          "a port in it is no number from 1 to 65535: write %3A for a \":\", %2F for a \"/\" and "
          "%40 "
          "for an \"@\" that are part of a user's name or a password");
  for (const std::string& host : hosts)
    if (!host.starts_with('/') && !IsHost(host))
      return BadDsn(
          "a host in it has a character that no name has: write %40 for an \"@\", and %2F for a "
          "\"/\", that are part of a user's name or a password");
  const size_t count = std::max(hosts.size(), addresses.size());
  const auto at = [](const std::vector<std::string>& list, size_t i) {
    return list.size() == 1 ? list[0] : i < list.size() ? list[i] : std::string();
  };
  for (size_t i = 0; i < count; i++)
    info.targets.push_back(
        {i < hosts.size() ? hosts[i] : "", i < addresses.size() ? addresses[i] : "", at(ports, i)});
  return info;
}

Result<PGconn*> BeginConnect(const Conninfo& info, const Target& target, const std::string& address,
                             const std::string& session_attrs, const std::string* password) {
  // With the name beside the address: certificates are checked for it, and nobody is asked for it.
  const std::string& numeric = address.empty() ? target.address : address;
  Parameters parameters;
  for (const auto& [keyword, value] : info.options) parameters.Add(keyword.c_str(), value.c_str());
  if (!target.host.empty()) parameters.Add("host", target.host.c_str());
  if (!numeric.empty()) parameters.Add("hostaddr", numeric.c_str());
  if (!target.port.empty()) parameters.Add("port", target.port.c_str());
  if (password) parameters.Add("password", password->c_str());  // the last one counts
  if (!session_attrs.empty()) parameters.Add("target_session_attrs", session_attrs.c_str());
  PGconn* connection = parameters.Start(0);
  if (!connection) return NoMemoryError();
  return connection;
}

}  // namespace creche::pg
