// ReadOperation: creche_response_read, creche_response_read_until, creche_response_read_exactly.
#pragma once
#include <optional>

#include "http/body/record_reader.h"
#include "http/response.h"
#include "tasks/operation.h"

namespace creche::http {

class ReadOperation final : public tasks::Operation {
 public:
  // Whatever there is, up to `capacity` bytes.
  ReadOperation(Ref<Response> response, size_t capacity)
      : response_(std::move(response)), capacity_(capacity) {}
  ReadOperation(Ref<Response> response, Record record)
      : response_(std::move(response)), capacity_(StreamBody::kUsual), record_(std::move(record)) {}
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
  const std::optional<Record> record_;
};

}  // namespace creche::http
