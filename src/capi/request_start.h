// RequestStart: what each call begins with that sends a request: its options, its last arguments,
// and its session, which a close waits for from then on.
#pragma once
#include <memory>
#include <optional>

#include "capi/guard.h"
#include "capi/http_options.h"
#include "capi/start_args.h"

namespace creche::capi {

class RequestStart {
 public:
  // What is wrong is misuse. May throw bad_alloc.
  creche_status Read(creche_session session, creche_scope in, const char* url,
                     const creche_request_options* given, creche_done_fn done, void* user,
                     creche_task* task);

  // Before Read: the body may go to a file.
  void AllowFile() noexcept { file_allowed_ = true; }

  // After Read.
  const creche_request_options& options() const noexcept { return options_; }
  http::Session& session() const noexcept { return *session_; }
  // For the operation, once.
  tasks::ResidentUse<http::Session> TakeUse() noexcept { return std::move(*use_); }
  // As FillRequest.
  Result<void> Fill(const char* url, http::Request* request);
  // filled: what the operation fails with, if anything was wrong.
  template <class T>
  creche_status Start(std::unique_ptr<T> operation, const Result<void>& filled) {
    if (!filled.ok()) operation->set_refused(filled.error());
    return Started(tasks::StartOperation(session_->loop(), reader_.args, std::move(operation)),
                   in_);
  }

 private:
  creche_scope in_ = {};
  bool file_allowed_ = false;
  creche_request_options options_;
  Ref<const http::RetryPolicy> retry_;
  StartArgsReader reader_;
  std::optional<tasks::ResidentUse<http::Session>> use_;
  http::Session* session_ = nullptr;
};

}  // namespace creche::capi
