#include "http/redirect_rules.h"

namespace creche::http {

const char* RedirectRules::Refuses(const Url& own, const Url& from, const Url& to) const {
  if (no_downgrade && from.https() && !to.https())
    return "from https to http, which CRECHE_SESSION_NO_DOWNGRADE refuses";
  if (listed && to.host() != own.host() && to.host() != from.host() &&
      !hosts.Matches(to.host(), to.port()))
    return "to a host that is not in redirect_hosts";
  return nullptr;
}

}  // namespace creche::http
