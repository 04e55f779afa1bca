// The options of creche/http.h, read and checked.
#pragma once
#include <creche/http.h>

#include "capi/options.h"
#include "core/result.h"
#include "http/request.h"
#include "http/session.h"

namespace creche::capi {

// creche_session_options to what the session keeps. What is wrong is misuse: CRECHE_E_INVALID.
creche_status ReadSession(const creche_session_options* given, http::SessionSettings* settings);

// creche_request_options as they were given, checked as far as their content does not matter.
creche_status ReadRequest(const creche_request_options* given, creche_request_options* options);

// URL and options to a request, with the session's settings for what is not given; it is filled
// where it is to stay. What is wrong with the content is an error that the operation fails with.
// May throw bad_alloc.
Result<void> FillRequest(const char* url, const creche_request_options& options,
                         http::Session& session, http::Request* request);

// The body of creche_request_options: at most one, and whole. What is wrong is misuse.
creche_status CheckBody(const creche_request_options& options);
// The same to the request, with the fields that describe it. The rest as FillRequest.
Result<void> FillBody(const creche_request_options& options, Loop& loop, http::Request* request);

// creche_file, to read from or to write to. What is wrong is misuse.
creche_status CheckFile(const creche_file& file);

// creche_retry; given is not null. What is wrong is misuse. May throw bad_alloc.
creche_status ReadRetry(const creche_retry* given, Ref<const http::RetryPolicy>* policy);

// creche_middleware; given may be null. What is wrong is misuse.
creche_status ReadMiddleware(const creche_middleware* given, http::Middleware* middleware);
// creche_watch; given may be null. What is wrong is misuse.
creche_status ReadWatch(const creche_watch* given, http::Hook* hook);

}  // namespace creche::capi
