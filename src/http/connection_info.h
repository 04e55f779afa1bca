// ConnectionInfo: what a connection is, for who looks at the answers that it brought. Immutable.
#pragma once
#include <string>

#include "core/ref.h"

namespace creche::http {

struct ConnectionInfo final : RefCounted {
  std::string peer = {};              // "192.0.2.1:80"; of a proxy, if there is one
  const char* tls_version = nullptr;  // static texts; null without TLS
  const char* cipher = nullptr;
};

using ConnectionInfoRef = Ref<const ConnectionInfo>;

}  // namespace creche::http
