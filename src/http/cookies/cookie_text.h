// Cookies as text: the Netscape form that curl, wget and browsers' extensions have, and JSON.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/cookies/cookie.h"

namespace creche::http {

enum class CookieForm : uint32_t { kNetscape = 1, kJson = 2 };

std::string WriteCookies(const std::vector<Cookie>& cookies, CookieForm form);
// Nothing if it is not in that form; *line is where (of Netscape), or 0. Lines and objects that are
// no sound cookie are left out.
std::optional<std::vector<Cookie>> ReadCookies(std::string_view text, CookieForm form,
                                               size_t* line);

}  // namespace creche::http
