// Response: what a user holds of an answer: its head and where it came from, its whole body, or the
// rest of a stream. The head can be read on any thread, for as long as the handle lives.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "core/blocks.h"
#include "core/handles.h"
#include "core/loop_job.h"
#include "http/body/record_reader.h"
#include "http/body/stream_body.h"
#include "http/call.h"
#include "tasks/operation.h"

namespace creche::http {

class Session;

// creche_response_info.
struct ResponseInfo {
  Times times;
  uint64_t body_bytes = 0;
  uint64_t decoded_bytes = 0;
  uint64_t sent_bytes = 0;
  Nanos waited = 0;
  uint32_t redirects = 0;
  uint32_t attempts = 0;
  bool reused = false;
  bool tls = false;
  ConnectionInfoRef connection = {};
};

class ReadOperation;

class Response final : public Object, public tasks::Lease, public FromBlocks, private Call::Owner {
 public:
  // Who asks the user for a body that is still being sent. Loop's thread.
  class Feeder {
   public:
    [[nodiscard]] virtual bool OnPull(uint64_t hint) noexcept = 0;
    // Nothing more is asked for.
    virtual void OnSent() noexcept = 0;
    // The last call: nobody is held open by the response any more, or its feeder need not wait for
    // that. why: what ended the upload before its time, or null.
    virtual void OnOver(ErrorRef why) noexcept = 0;

   protected:
    ~Feeder() = default;
  };

  // A whole one, of a call that has ended.
  static Ref<Response> Whole(Call& call);
  // Of a call that has ended, whose body was written elsewhere.
  static Ref<Response> Written(Call& call, uint64_t bytes);
  // A stream; takes the call over. May throw; then nothing has changed.
  static Ref<Response> Stream(Ref<Loop> loop, std::unique_ptr<Call>* call);
  // Gives the call of a stream back: nobody wants the response.
  std::unique_ptr<Call> TakeBack() { return std::move(call_); }

  // Any thread.
  const ResponseHead& head() const { return head_; }
  // What came behind the body; null if nothing did, or its end has not come yet.
  const ResponseHead* trailer() const { return trailer_.load(std::memory_order_acquire); }
  const std::string& url() const { return url_.text(); }
  // Of the request that was answered, behind all redirects.
  const std::string& method() const { return method_; }
  // Where it was redirected; null: nowhere.
  const Hops* hops() const { return hops_.get(); }
  ResponseInfo info() const;
  const Buffer& body() const { return body_; }
  bool whole() const { return !loop_; }
  Loop& loop() const { return *loop_; }

  // Loop's thread. One reader at a time: a second one is told kState. A reader completes when there
  // is something, perhaps inside.
  void StartRead(ReadOperation* reader) noexcept;
  void StopRead() noexcept;
  // For a body that is pulled while the answer is read; until OnOver.
  void set_feeder(Feeder* feeder) noexcept { feeder_ = feeder; }
  // Why not all of the body was sent, if it was not.
  ErrorRef TakeUploadFailure() noexcept { return std::move(upload_failure_); }
  void Answer(Status status, std::string piece, bool more, ErrorRef error) noexcept;
  // The feeder goes, with the rest of the body: the connection is closed.
  void CancelUpload() noexcept;
  // Any thread. Hands the lease on: Lease::MoveTo.
  Status Move(uint64_t to) noexcept;

  void Released() noexcept override;
  void GiveBack() noexcept override;
  const char* LeaseName() const noexcept override { return "response"; }

 private:
  explicit Response(Call& call);
  // The call's.
  bool OnHead() noexcept override { return true; }
  void OnBody() noexcept override;
  bool OnPull(uint64_t hint) noexcept override { return !feeder_ || feeder_->OnPull(hint); }
  void OnSent() noexcept override;
  void OnEnd(ErrorRef error) noexcept override;

  void TakeTrailer(Call& call) noexcept;
  std::string Shown() const { return std::string(url_.shown()); }
  void Serve() noexcept;
  Problem Fill(Buffer* piece, ErrorRef* own);
  Problem FillRecord(Buffer* piece, ErrorRef* own);
  bool AllGiven() const noexcept { return stream_->finished() && (!records_ || records_->empty()); }
  void GiveUp(const char* how) noexcept;
  void Close() noexcept;
  void EndLease() noexcept;
  void OnReleased() noexcept;
  void OnMoved() noexcept;

  ResponseHead head_;
  const Url url_;
  const std::string method_;
  const Ref<const Hops> hops_;
  ResponseInfo info_;
  std::atomic<Nanos> sent_at_{0};
  std::atomic<Nanos> ended_{0};
  std::atomic<uint64_t> body_bytes_{0};
  std::atomic<uint64_t> decoded_bytes_{0};
  std::atomic<uint64_t> sent_bytes_{0};
  std::atomic<const ResponseHead*> trailer_{nullptr};
  std::unique_ptr<ResponseHead> trailer_owned_;
  Buffer body_;

  // Of a stream. Loop's thread.
  Ref<Loop> loop_;
  std::unique_ptr<Call> call_;  // null after its end; stopped after Close
  std::unique_ptr<StreamBody> stream_;
  std::unique_ptr<RecordReader> records_;  // once somebody reads by records
  ReadOperation* reader_ = nullptr;
  ErrorRef failure_;
  Feeder* feeder_ = nullptr;
  ErrorRef upload_failure_;
  bool sent_ = false;   // the feeder knows that nothing more is asked for
  bool moved_ = false;  // away from the feeder's owner
  LoopJob<&Response::OnReleased> release_{this};
  LoopJob<&Response::OnMoved> move_{this};
  std::atomic<bool> away_{false};  // it was submitted
};

}  // namespace creche::http
