#include "pg/connect/password.h"

#include <cstring>
#include <utility>

#include "platform/user_code.h"

namespace creche::pg {

namespace {

// Tokens in place of passwords have some thousand bytes.
constexpr size_t kCapacity = 16384;

const char* ValueOf(const Conninfo& info, const char* keyword) {
  for (const auto& [name, value] : info.options)
    if (name == keyword) return value.c_str();
  return "";
}

ErrorRef Refused(const Conninfo& info, const Target& target, Status status, const char* what) {
  const std::string where = info.secrets.slip() ? "the server" : info.secrets.Hide(target.Text());
  return MakeError(status, Phase::kAuth,
                   "there is no password for " + where + ": the function that gives it " + what,
                   kUnsent);
}

}  // namespace

Result<Password> AskPassword(const PoolCalls& calls, const Conninfo& info, const Target& target,
                             bool refused) {
  const PasswordRequest request{
      .refused = refused ? 1u : 0u,
      .host = target.host.empty() ? target.address.c_str() : target.host.c_str(),
      .port = target.port.c_str(),
      .user = ValueOf(info, "user"),
      .database = ValueOf(info, "dbname")};
  auto room = std::make_shared<platform::Secret>(std::string(kCapacity, '\0'));
  const int32_t said =
      platform::CallUser(calls.password, calls.user, &request, room->bytes.data(), kCapacity);
  if (said != 0) {
    const auto status = said < 0 ? static_cast<Status>(said) : Status::kUser;
    return Refused(info, target, status, (std::string("says ") + StatusName(status)).c_str());
  }
  if (!std::memchr(room->bytes.data(), '\0', kCapacity))
    return Refused(info, target, Status::kLimit, "has filled all of its room, without a NUL");
  return Password(std::move(room));  // as it is: a copy would be one more to be wiped
}

}  // namespace creche::pg
