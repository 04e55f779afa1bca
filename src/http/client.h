// Client: what the exchanges of a session share on the loop: connections, names, memory to receive
// into. It lives until the session is closed. Loop's thread only.
#pragma once
#include <memory>
#include <string>

#include "core/connect/tls_config.h"
#include "core/resolver.h"
#include "http/counters.h"
#include "http/io_context.h"
#include "http/layer/layer.h"
#include "http/origin_pool.h"
#include "http/request.h"

namespace creche::http {

// creche_session_options, checked and copied. Immutable.
struct SessionSettings {
  OriginPool::Limits limits;
  uint32_t max_redirects = 10;
  uint32_t max_header_bytes = 64 << 10;
  uint64_t max_body = 64 << 20;
  Nanos dns_ttl = 10 * kSecond;
  Timeouts timeouts;
  RequestDefaults defaults;
  bool verify = true;
  bool decode = true;
  bool lenient = false;  // see H1Parser
  std::string ca_file;
  uint64_t queue = 0;  // for the completion of its close

  platform::TlsOptions tls() const { return {.verify = verify, .ca_file = ca_file}; }
};

class Call;

class Client {
 public:
  // tls: null if it is to be made at the first use.
  Client(Loop& loop, const SessionSettings& settings, Layers layers, TlsContextRef tls,
         Counters& counters);
  ~Client();

  Loop& loop;
  const Layers layers;
  Counters& counters;
  IoContext io;
  Resolver resolver;
  TlsConfig tls;
  OriginPool pool;
  List<Call> calls;  // that have started and not ended

  // Ends them all with this error.
  void FailAll(const ErrorRef& error) noexcept;
};

}  // namespace creche::http
