#include "http/h1/h1_connection.h"

namespace creche::http {

H1Connection::H1Connection(IoContext& io, std::unique_ptr<Transport> transport)
    : exchange_(io, std::move(transport)) {
  exchange_.transport().set_listener(this);
}

Exchange* H1Connection::Open(Request* request, ResponseHead* head, Attempt* attempt,
                             Exchange::Listener* listener) noexcept {
  attempt->connection = info();
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
