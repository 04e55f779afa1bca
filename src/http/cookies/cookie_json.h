// Cookies as JSON: an array of objects {"name", "value", "domain", "path", "expires", "secure",
// "httpOnly", "hostOnly", "sameSite"}, as browsers' tools write them.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/cookies/cookie.h"

namespace creche::http {

// Bytes that are no UTF-8 are written as \udc80 to \udcff, and come back as they were.
std::string WriteCookieJson(const std::vector<Cookie>& cookies);
// Nothing if it is no such JSON. Unknown members are skipped; those that are not there have their
// defaults.
std::optional<std::vector<Cookie>> ReadCookieJson(std::string_view text);

}  // namespace creche::http
