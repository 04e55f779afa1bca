#include "capi/request_start.h"

#include "capi/open_close.h"

namespace creche::capi {

creche_status RequestStart::Read(creche_session session, creche_scope in, const char* url,
                                 const creche_request_options* given, creche_done_fn done,
                                 void* user, creche_task* task) {
  in_ = in;
  if (creche_status failed = ReadRequest(given, &options_)) return failed;
  if (options_.to_file && !file_allowed_)
    return Fail(Status::kInvalid, "to_file is for creche_session_fetch only");
  if (options_.retry)
    if (creche_status failed = ReadRetry(options_.retry, &retry_)) return failed;
  if (creche_status failed = reader_.Read(in, options_.task, done, user, task)) return failed;
  if (!url) return Fail(Status::kInvalid, "url is NULL");
  if ((options_.flags & CRECHE_REQUEST_PULL_BODY) &&
      (done == creche_to_group || done == creche_nobody))
    return Fail(Status::kInvalid,
                "a pulled body needs somebody to ask: give a function, or NULL and a queue");
  creche_status failed = CRECHE_OK;
  Ref<http::Session> found = Find<http::Session>(session.id, &failed);
  if (!found) return failed;
  session_ = found.get();
  // Before the look, so that a close waits for its end.
  use_.emplace(std::move(found));
  if (session_->closing()) return Fail(Status::kClosed, "the session is closed: open another one");
  return CRECHE_OK;
}

Result<void> RequestStart::Fill(const char* url, http::Request* request) {
  request->retry_policy = std::move(retry_);
  request->started = session_->loop().now();
  request->user = reader_.args.user;
  const http::Hook& hook = session_->settings().hook;
  if (hook.any() || options_.watch) {
    http::Hook own;
    (void)ReadWatch(options_.watch, &own);  // it was read before
    request->watch = MakeRef<http::Watch>(session_->loop(), hook, own, reader_.args.user);
  }
  return FillRequest(url, options_, *session_, request);
}

}  // namespace creche::capi
