// LibpqEndpoint: what libpq has opened and will close.
#pragma once
#include <memory>

#include "pg/wire/endpoint.h"

struct pg_conn;

namespace creche::pg {

class LibpqEndpoint final : public Endpoint {
 public:
  // Takes over `connection`: non-blocking, idle, not encrypted by GSS. Null without memory; then it
  // was closed.
  static std::unique_ptr<Endpoint> Make(pg_conn* connection) noexcept;
  ~LibpqEndpoint() override;

  int fd() const noexcept override;
  void* ssl() const noexcept override;
  int process() const noexcept override;
  const char* parameter(const char* name) const noexcept override;
  Ref<Cancel> SendCancel(Loop& loop, Cancel::Listener* listener) noexcept override;

 private:
  explicit LibpqEndpoint(pg_conn* connection) noexcept;
  pg_conn* const connection_;
};

}  // namespace creche::pg
