#include "http/connection_info.h"

#include "core/transport.h"
#include "platform/tls_session.h"

namespace creche::http {

void OpeningTimes::Add(Phase phase, Nanos time) noexcept {
  if (phase == Phase::kDns) dns += time;
  if (phase == Phase::kConnect) connect += time;
  if (phase == Phase::kProxy) proxy += time;
  if (phase == Phase::kTls) tls += time;
}

ConnectionInfoRef ConnectionInfo::Of(const Transport& transport, uint64_t id,
                                     const OpeningTimes& times, uint32_t http_major) {
  auto info = MakeRef<ConnectionInfo>();
  info->id = id;
  info->times = times;
  info->http_major = http_major;
  if (const platform::Address peer = transport.Peer(); peer.family() != AF_UNSPEC)
    info->peer = peer.Text();
  if (const platform::Address local = transport.Local(); local.family() != AF_UNSPEC)
    info->local = local.Text();
  if (const platform::TlsSession* tls = transport.tls()) {
    info->tls_version = tls->version();
    info->cipher = tls->cipher();
    info->cipher_id = tls->cipher_id();
    info->alpn = tls->alpn();
    info->chain = tls->chain();
  }
  return info;
}

}  // namespace creche::http
