// What is said at the head of a request, and what a user may not say there.
#pragma once
#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "http/body/source.h"
#include "http/headers.h"
#include "http/proxy.h"
#include "http/url.h"

namespace creche::http {

struct RequestHead {
  std::string_view method;
  const Url& url;
  const HeaderList& headers;          // the request's own
  const HeaderList& session_headers;  // those whose names the request does not have are sent too
  std::string_view user_agent;        // "" for none
  bool accept_codings = true;         // offer what body/decoder.h can undo
  uint32_t withheld = 0;  // Bit(Known)s that are not sent: credentials, after a redirect elsewhere
  Framing framing = Framing::kNone;
  uint64_t body_size = 0;        // for kSized
  const Proxy* proxy = nullptr;  // that it is sent to, to be forwarded
  bool expect = false;           // the body waits for 100 Continue
  // What the layers say, "" for nothing: in place of the session's; in place of what the proxy's
  // URL says; beside the user's own.
  std::string_view authorization = {};
  std::string_view proxy_authorization = {};
  std::string_view cookies = {};
};

// What a user may not ask for: a method that is no token, framing fields that contradict the body,
// two hosts. Fails with kInvalid.
Result<void> CheckRequest(const RequestHead& head);

// RFC 9110, 9.2.2: sending it twice is the same as once.
bool IsIdempotent(std::string_view method) noexcept;

}  // namespace creche::http
