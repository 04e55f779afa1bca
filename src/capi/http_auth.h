// What the options of creche/http.h say of who a user is: auth, netrc and cookies.
#pragma once
#include <creche/http.h>

#include "core/result.h"
#include "http/request.h"
#include "http/session_settings.h"

namespace creche::capi {

// Of a session. What is wrong is misuse. May throw bad_alloc.
creche_status ReadAuth(const creche_session_options& options, http::SessionSettings* settings);

// Of a request. What is wrong is an error that the operation fails with. May throw bad_alloc.
Result<void> TakeAuth(const creche_request_options& options, const http::SessionSettings& session,
                      http::Request* request);

}  // namespace creche::capi
