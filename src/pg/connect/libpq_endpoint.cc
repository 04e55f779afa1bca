#include "pg/connect/libpq_endpoint.h"

#include <libpq-fe.h>

#include <new>

namespace creche::pg {

std::unique_ptr<Endpoint> LibpqEndpoint::Make(PGconn* connection) noexcept {
  auto* made = new (std::nothrow) LibpqEndpoint(connection);
  if (!made) PQfinish(connection);
  return std::unique_ptr<Endpoint>(made);
}

LibpqEndpoint::LibpqEndpoint(PGconn* connection) noexcept : connection_(connection) {
  // What libpq has read behind "ready" (a notice, a parameter) it parses now. The beginning of one
  // more message, if there should ever be one in its buffer, is lost to us; what follows is then no
  // message that the reader accepts (text taken for a length is too much, and no answer is
  // expected), so that the connection is given up as one that does not keep to the protocol.
  (void)PQisBusy(connection_);
}

LibpqEndpoint::~LibpqEndpoint() {
  PQfinish(connection_);
}

int LibpqEndpoint::fd() const noexcept {
  return PQsocket(connection_);
}

void* LibpqEndpoint::ssl() const noexcept {
  return PQsslStruct(connection_, "OpenSSL");
}

int LibpqEndpoint::process() const noexcept {
  return PQbackendPID(connection_);
}

const char* LibpqEndpoint::parameter(const char* name) const noexcept {
  return PQparameterStatus(connection_, name);
}

Ref<Cancel> LibpqEndpoint::SendCancel(Loop& loop, Cancel::Listener* listener) noexcept {
  return Cancel::Send(loop, connection_, listener);
}

}  // namespace creche::pg
