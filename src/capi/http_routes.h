// What the options of creche/http.h say of the way to a server, read and checked.
#pragma once
#include <creche/http.h>

#include <memory>

#include "core/result.h"
#include "core/socket_settings.h"
#include "http/request.h"
#include "http/route_plan.h"

namespace creche::capi {

// Of a session. What is wrong is misuse: CRECHE_E_INVALID. May throw bad_alloc.
creche_status ReadRoutes(const creche_session_options& options, http::RoutePlan* plan);

// creche/sockets.h; null leaves *settings as it is. May throw bad_alloc.
creche_status ReadSocketOptions(const creche_socket_options* options,
                                std::shared_ptr<const SocketSettings>* settings);

// Of a request. What is wrong is an error that the operation fails with. May throw bad_alloc.
Result<void> TakeRoute(const creche_request_options& options, const http::RoutePlan& plan,
                       http::OwnRoute* route);

}  // namespace creche::capi
