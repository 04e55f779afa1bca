// H1Connection: a connection that speaks HTTP/1.1: one exchange after the other.
#pragma once
#include <memory>

#include "core/transport.h"
#include "http/connection.h"
#include "http/h1/h1_exchange.h"

namespace creche::http {

class H1Connection final : public Connection, private Transport::Listener {
 public:
  H1Connection(IoContext& io, std::unique_ptr<Transport> transport);

  size_t capacity() const noexcept override { return 1; }
  Exchange* Open(Request* request, ResponseHead* head, Attempt* attempt,
                 Exchange::Listener* listener) noexcept override;
  Nanos keep_for() const noexcept override { return exchange_.keep_for(); }
  bool IdleIsSound() noexcept override { return exchange_.transport().IdleIsSound(); }

 private:
  void OnReadable() noexcept override;
  void OnWritable() noexcept override;

  H1Exchange exchange_;
};

}  // namespace creche::http
