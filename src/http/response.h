// Response: what a user holds of an answer: its head and where it came from, its whole body, or the
// rest of a stream. The head can be read on any thread, for as long as the handle lives.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "core/blocks.h"
#include "core/handles.h"
#include "http/body.h"
#include "http/exchange.h"
#include "tasks/operation.h"

namespace creche::http {

class Session;

// creche_response_info.
struct ResponseInfo {
  Times times;
  uint64_t body_bytes = 0;
  uint32_t redirects = 0;
  bool reused = false;
  bool tls = false;
};

class ReadOperation;

class Response final : public Object,
                       public tasks::Lease,
                       public FromBlocks,
                       private Exchange::Owner {
 public:
  // A whole one, of an exchange that has ended.
  static Ref<Response> Whole(Exchange& exchange);
  // A stream; takes the exchange over. May throw; then nothing has changed.
  static Ref<Response> Stream(Ref<Loop> loop, std::unique_ptr<Exchange>* exchange);
  // Gives the exchange of a stream back: nobody wants the response.
  std::unique_ptr<Exchange> TakeBack() { return std::move(exchange_); }

  // Any thread.
  const ResponseHead& head() const { return head_; }
  const std::string& url() const { return url_; }
  ResponseInfo info() const;
  const Buffer& body() const { return body_; }
  bool whole() const { return !loop_; }
  Loop& loop() const { return *loop_; }

  // Loop's thread. One reader at a time: a second one is told kState. A reader completes when there
  // is something, perhaps inside.
  void StartRead(ReadOperation* reader) noexcept;
  void StopRead() noexcept;

  void Released() noexcept override;
  void GiveBack() noexcept override;
  const char* LeaseName() const noexcept override { return "response"; }

 private:
  explicit Response(Exchange& exchange);
  // The exchange's.
  bool OnHead() noexcept override { return true; }
  void OnBody() noexcept override;
  bool OnPull(uint64_t) noexcept override { return true; }  // the task that was asked has ended
  void OnEnd(ErrorRef error) noexcept override;

  void Serve() noexcept;
  void GiveUp(const char* how) noexcept;
  void Close() noexcept;

  ResponseHead head_;
  std::string url_;
  ResponseInfo info_;
  std::atomic<Nanos> ended_{0};
  std::atomic<uint64_t> body_bytes_{0};
  Buffer body_;

  // Of a stream. Loop's thread.
  struct ReleaseJob : Job {
    using Job::Job;
    Response* response = nullptr;
  };
  Ref<Loop> loop_;
  std::unique_ptr<Exchange> exchange_;  // null after its end; stopped after Close
  std::unique_ptr<StreamBody> stream_;
  ReadOperation* reader_ = nullptr;
  ErrorRef failure_;
  ReleaseJob release_;
};

// creche_response_read.
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
  void Done(tasks::Outcome outcome) noexcept { Complete(std::move(outcome)); }

  const Ref<Response> response_;
  const size_t capacity_;
};

}  // namespace creche::http
