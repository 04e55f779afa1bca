// Route: the way to where a request goes: the key of the pool, and what is to be known to get
// there. A view: what it was made of must outlive it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/connect/tls_config.h"
#include "http/url.h"
#include "http/way.h"

namespace creche::http {

class Watch;

// What may be spoken on a connection.
enum class Protocols : uint8_t {
  kHttp1,       // HTTP/1.1
  kNegotiated,  // that or HTTP/2, as ALPN says
  kHttp2        // HTTP/2: the server is known to speak it, or has to say so
};
inline constexpr size_t kProtocols = 3;

struct Route {
  const Url& url;
  TlsConfig* tls;            // for https
  const Way* way = nullptr;  // null: straight
  // Its key, if TLS settings of its own make it another one; else empty.
  std::string_view own_key = {};
  Protocols protocols = Protocols::kHttp1;
  Watch* watch = nullptr;  // of who goes it; null for none

  // Equal keys and protocols, the same way: a connection that was made for one may be used for the
  // other.
  std::string_view key() const {
    if (!own_key.empty()) return own_key;
    return way ? std::string_view(way->key) : url.origin();
  }
};

}  // namespace creche::http
