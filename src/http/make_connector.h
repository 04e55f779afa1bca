// How a connection to the origin of a URL is made.
#pragma once
#include <memory>

#include "core/connect/connector.h"
#include "core/connect/tls_config.h"
#include "http/request.h"

namespace creche::http {

// May throw bad_alloc. What is given by reference outlives the connector.
std::unique_ptr<Connector> MakeConnector(Loop& loop, Resolver& resolver, TlsConfig& tls,
                                         const Url& url, const Timeouts& timeouts,
                                         Connector::Listener* listener);

}  // namespace creche::http
