// DownloadOperation: creche_session_fetch into a file: the body is read as it comes and written by
// workers, a piece at a time, while the next one comes. What is not written yet holds the server
// back.
#pragma once
#include <atomic>
#include <memory>
#include <optional>

#include "core/blocks.h"
#include "http/call.h"
#include "http/pulls.h"
#include "http/session.h"
#include "platform/unique_fd.h"
#include "tasks/operation.h"

namespace creche::http {

// Where to.
struct Download {
  platform::UniqueFd file;
  uint64_t offset = 0;
  uint64_t most = UINT64_MAX;
};

class DownloadOperation final : public tasks::Operation, public FromBlocks, private Call::Owner {
 public:
  // Any thread. May throw bad_alloc.
  DownloadOperation(tasks::ResidentUse<Session> session, Download to);
  ~DownloadOperation() override;
  // Before it is started: to be filled, or why that cannot be.
  Request& request() { return call_->request(); }
  void set_refused(ErrorRef why) { refused_ = std::move(why); }

  void Start() noexcept override;
  void Cancel() noexcept override;
  void Answer(Status status, std::string bytes, bool more, ErrorRef error) noexcept override;
  const char* WaitsFor() const noexcept override {
    return waits_for_.load(std::memory_order_relaxed);
  }
  const tasks::Resident* Of() const noexcept override { return of_; }

 private:
  class Writing;
  bool OnHead() noexcept override;
  void OnBody() noexcept override { Pump(); }
  bool OnPull(uint64_t hint) noexcept override;
  void OnSent() noexcept override {}
  void OnEnd(ErrorRef error) noexcept override;
  Nanos Deadline() noexcept override;

  void Pump() noexcept;
  bool Collect(Problem* problem);
  void Write();
  void OnWritten(Writing* writing) noexcept;
  void Finish() noexcept;
  void Fail(ErrorRef error) noexcept;
  ErrorRef ErrorOf(Status status, const char* text) const;

  // What is written at a time.
  static constexpr size_t kPiece = 256 << 10;

  tasks::ResidentUse<Session> session_;
  const tasks::Resident* const of_ = session_.get();
  const std::shared_ptr<const Download> to_;
  ErrorRef refused_;
  std::unique_ptr<Call> call_;
  std::unique_ptr<StreamBody> stream_;
  Buffer piece_;
  Pulls pulls_;
  Writing* writing_ = nullptr;  // under way; counted
  uint64_t taken_ = 0;          // of the body, decoded
  uint64_t written_ = 0;
  bool ended_ = false;  // nothing more comes
  ErrorRef failure_;    // why it ended
  bool cancelled_ = false;
  bool completed_ = false;
  std::atomic<const char*> waits_for_{"response"};
};

}  // namespace creche::http
