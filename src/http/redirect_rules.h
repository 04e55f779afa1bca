// RedirectRules: where the requests of a session may be redirected to. Hops: where one was.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/ref.h"
#include "http/no_proxy.h"
#include "http/url.h"

namespace creche::http {

struct RedirectRules final : RefCounted {
  bool no_downgrade = false;  // from https to http
  bool listed = false;        // only to the request's own host, to the same, and to these:
  NoProxy hosts;

  // Null, or what is wrong with it. own: what was asked for.
  const char* Refuses(const Url& own, const Url& from, const Url& to) const;
};
using RedirectRulesRef = Ref<const RedirectRules>;

struct Hop {
  std::string url;
  uint32_t status = 0;
};
struct Hops final : RefCounted {
  std::vector<Hop> all;
  Url first;  // that of the request
};

}  // namespace creche::http
