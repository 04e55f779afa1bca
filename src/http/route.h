// Route: the way to where a request goes: the key of the pool, and what is to be known to get
// there. A view: what it was made of must outlive it.
#pragma once
#include <string_view>

#include "core/connect/tls_config.h"
#include "http/url.h"
#include "http/way.h"

namespace creche::http {

struct Route {
  const Url& url;
  TlsConfig* tls;            // for https
  const Way* way = nullptr;  // null: straight
  // Its key, if TLS settings of its own make it another one; else empty.
  std::string_view own_key = {};

  // Equal keys, the same way: a connection that was made for one may be used for the other.
  std::string_view key() const {
    if (!own_key.empty()) return own_key;
    return way ? std::string_view(way->key) : url.origin();
  }
};

}  // namespace creche::http
