#include "http/h1/h1_connection.h"

#include "platform/tls_session.h"

namespace creche::http {

namespace {

ConnectionInfoRef InfoOf(const Transport& transport) {
  auto info = MakeRef<ConnectionInfo>();
  if (const platform::Address peer = transport.Peer(); peer.family() != AF_UNSPEC)
    info->peer = peer.Text();
  if (const platform::TlsSession* tls = transport.tls()) {
    info->tls_version = tls->version();
    info->cipher = tls->cipher();
  }
  return info;
}

}  // namespace

H1Connection::H1Connection(IoContext& io, std::unique_ptr<Transport> transport)
    : transport_(std::move(transport)), info_(InfoOf(*transport_)), exchange_(io, *transport_) {
  transport_->set_listener(this);
}

Exchange* H1Connection::Open(Request* request, ResponseHead* head, Attempt* attempt,
                             Exchange::Listener* listener) noexcept {
  attempt->connection = info_;
  exchange_.Begin(request, head, attempt, listener);
  return &exchange_;
}

void H1Connection::OnReadable() noexcept {
  if (exchange_.open()) return exchange_.OnReadable();
  // Nobody asked for anything: the server has closed, or says what would be taken for the answer to
  // the next request. Tickets of TLS are fine.
  Changed();
}

void H1Connection::OnWritable() noexcept {
  if (exchange_.open()) exchange_.OnWritable();
}

}  // namespace creche::http
