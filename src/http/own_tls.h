// OwnTls: TLS settings of one request, in place of its session's.
#pragma once
#include <string>
#include <string_view>

#include "core/connect/tls_config.h"

namespace creche::http {

struct OwnTls {
  explicit OwnTls(TlsContextRef context)
      : number("tls " + std::to_string(context->number()) + "\n"), config(std::move(context)) {}
  // The key in the pool of a route that would have another one: valid until the next call. A
  // connection that was made with other settings is never used.
  std::string_view KeyOf(std::string_view key) { return last_key = number + std::string(key); }

  const std::string number;
  TlsConfig config;
  std::string last_key = {};
};

}  // namespace creche::http
