// The handshake of a WebSocket: what a client asks for, and whether the answer grants it
// (RFC 6455, 4; RFC 7692). Over HTTP/2 the protocol stands in :protocol, and there is no key
// (RFC 8441, 5).
#pragma once
#include <string>
#include <vector>

#include "core/result.h"
#include "http/headers.h"
#include "http/response_head.h"
#include "http/websocket/deflate.h"

namespace creche::http {

struct WebsocketOffer {
  std::string key;  // of Sec-WebSocket-Key
  std::vector<std::string> protocols;
  bool compress = true;
  bool takeover = false;  // windows of compression go on from message to message

  // A new key. Fills it.
  static std::string NewKey();
  // Appends the fields that ask. Fails with kInvalid if a protocol is no token or comes twice.
  Result<void> AppendTo(HeaderList* headers) const;
};

// What was agreed on.
struct WebsocketTerms {
  std::string protocol;  // "" for none
  DeflateTerms deflate;
};

// Of a 101, or a 2xx of HTTP/2. Fails with kProtocol: what the answer says and should not, or the
// other way round.
Result<WebsocketTerms> CheckUpgrade(const ResponseHead& head, const WebsocketOffer& offer);

}  // namespace creche::http
