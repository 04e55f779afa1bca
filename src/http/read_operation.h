// ReadOperation: creche_response_read.
#pragma once
#include "http/response.h"
#include "tasks/operation.h"

namespace creche::http {

class ReadOperation final : public tasks::Operation {
 public:
  ReadOperation(Ref<Response> response, size_t capacity)
      : response_(std::move(response)), capacity_(capacity) {}
  void Start() noexcept override { response_->StartRead(this); }
  void Cancel() noexcept override;
  const char* WaitsFor() const noexcept override { return "body"; }
  bool PassesLimit() const noexcept override { return true; }

 private:
  friend class Response;
  bool stopping() const noexcept { return cancelled(); }
  void Done(tasks::Outcome outcome) noexcept { Complete(std::move(outcome)); }

  const Ref<Response> response_;
  const size_t capacity_;
};

}  // namespace creche::http
