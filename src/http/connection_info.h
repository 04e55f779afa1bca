// ConnectionInfo: what a connection is, for who looks at the answers that it brought. Immutable.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "core/ref.h"
#include "core/status.h"

namespace creche {
class Transport;
namespace platform {
class TlsChain;
}
}  // namespace creche

namespace creche::http {

// How long the steps on the way to it took.
struct OpeningTimes {
  Nanos dns = 0;
  Nanos connect = 0;
  Nanos proxy = 0;
  Nanos tls = 0;  // both handshakes, where the proxy has one of its own
  // A step has been done.
  void Add(Phase phase, Nanos time) noexcept;
};

struct ConnectionInfo final : RefCounted {
  // Of one that was just opened. id: its number in its session. May throw bad_alloc.
  static Ref<const ConnectionInfo> Of(const Transport& transport, uint64_t id,
                                      const OpeningTimes& times, uint32_t http_major);

  uint64_t id = 0;
  uint32_t http_major = 1;  // as was agreed
  OpeningTimes times = {};
  std::string peer = {};              // "192.0.2.1:80"; of a proxy, if there is one
  std::string local = {};             // this end of it
  const char* tls_version = nullptr;  // static texts; null without TLS
  const char* cipher = nullptr;
  uint16_t cipher_id = 0;
  std::string alpn = {};  // the protocol that was agreed on, if any was
  std::shared_ptr<const platform::TlsChain> chain = {};  // of the server; null for none
};

using ConnectionInfoRef = Ref<const ConnectionInfo>;

}  // namespace creche::http
