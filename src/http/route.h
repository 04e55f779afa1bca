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

  // Equal keys, the same way: a connection that was made for one may be used for the other.
  std::string_view key() const { return way ? std::string_view(way->key) : url.origin(); }
};

}  // namespace creche::http
