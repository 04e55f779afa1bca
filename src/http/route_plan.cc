#include "http/route_plan.h"

#include <cstdlib>

namespace creche::http {

namespace {

// The value of the first variable that is set and not empty; or "".
std::string_view Variable(const char* name, const char* other, const char** found) {
  for (const char* each : {name, other}) {
    const char* value = each ? std::getenv(each) : nullptr;
    if (!value || *value == '\0') continue;
    *found = each;
    return value;
  }
  return {};
}

}  // namespace

Result<void> RoutePlan::TakeEnvironment(bool no_proxy_given) {
  const char* name = "";
  if (!no_proxy_given) no_proxy = NoProxy(Variable("no_proxy", "NO_PROXY", &name));
  const char* all_name = "";
  const std::string_view all = Variable("all_proxy", "ALL_PROXY", &all_name);
  const auto take = [&](const char* small, const char* capital, ProxyRef* proxy) -> Result<void> {
    const char* from = all_name;
    std::string_view value = Variable(small, capital, &from);
    if (value.empty()) value = all;
    if (value.empty()) return {};
    auto parsed = Proxy::Parse(value, proxy_headers);
    if (!parsed.ok())
      return MakeError(Status::kInvalid, Phase::kOptions,
                       std::string("the environment's ") + from + ": " + parsed.error()->message());
    *proxy = std::move(parsed).value();
    return {};
  };
  if (auto r = take("http_proxy", nullptr, &http); !r.ok()) return r;
  return take("https_proxy", "HTTPS_PROXY", &https);
}

}  // namespace creche::http
