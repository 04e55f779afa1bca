// Joining of URLs as text (RFC 3986, 5.2): what a reference means beside a base, of any scheme.
// Nothing is encoded, decoded or put in another case: what was written is in the result as it was.
#pragma once
#include <string>
#include <string_view>

namespace creche::http {

// The scheme before the first ':', or "" if there is none (RFC 3986, 3.1).
std::string_view UrlScheme(std::string_view text) noexcept;

// The same with http in place of ws, and https of wss: what a WebSocket's URL means until it is
// open. Others are left as they are.
std::string HttpOfWs(std::string_view url);

// base: has a scheme; its fragment does not matter.
std::string JoinUrl(std::string_view base, std::string_view reference);

}  // namespace creche::http
