#include "pg/session_state.h"

#include <cstring>
#include <string>
#include <utility>

#include "platform/random.h"

namespace creche::pg {

namespace {

// Names of prepared statements are unique among all sessions of all clients: a pooler may mix them.
std::string RandomPrefix() {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
  uint64_t number = platform::Random64();
  std::string prefix = "c";
  for (int i = 0; i < 8; i++, number /= 36) prefix += kDigits[number % 36];
  return prefix + "_";
}

bool IsOn(const char* value) noexcept {
  return value && std::strcmp(value, "on") == 0;
}

}  // namespace

SessionState::SessionState(const Endpoint& endpoint, const Settings& settings)
    : cache(RandomPrefix(), settings.prepare ? settings.statement_cache : 0,
            settings.statement_lifetime),
      catalog(std::make_shared<Catalog>()),
      statement_lifetime(settings.statement_lifetime),
      role_(settings.role),
      prepares_(settings.prepare),
      standby_(IsOn(endpoint.parameter("in_hot_standby"))),
      reads_only_(IsOn(endpoint.parameter("default_transaction_read_only"))),
      tells_role_(endpoint.parameter("in_hot_standby") != nullptr) {
  if (endpoint.process() == 0) peer = Peer::kPooler;
}

void SessionState::OnParameter(std::string_view name, std::string_view value) noexcept {
  if (name == "in_hot_standby") standby_ = value == "on";
  if (name == "default_transaction_read_only") reads_only_ = value == "on";
}

void SessionState::OnTrace(std::string_view tag) noexcept {
  dirty = true;
  if (tag == "PREPARE") foreign_statements = true;
  if (tag == "DISCARD ALL" || tag == "DEALLOCATE ALL") {
    cache.Clear();
    foreign_statements = false;
  }
}

// The end of a transaction takes back what was set or made in it, or shows it to the others.
bool SessionState::OnRenamed(Renames renames, std::string_view tag) noexcept {
  if (renames > renamed_) renamed_ = renames;
  const bool ends = tag == "COMMIT" || tag == "ROLLBACK";
  if (renames == Renames::kNothing && !(ends && renamed_ != Renames::kNothing)) return false;
  names++;
  return renamed_ == Renames::kEverybody;
}

bool SessionState::HasRole() const noexcept {
  switch (role_) {
    case Role::kReadWrite:
      return !refused_write_ && !standby_ && !reads_only_;
    case Role::kPrimary:
      return !refused_write_ && !standby_;
    case Role::kStandby:
      return standby_;
    case Role::kReadOnly:
      return standby_ || reads_only_;
    default:
      return true;
  }
}

}  // namespace creche::pg
