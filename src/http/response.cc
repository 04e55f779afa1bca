#include "http/response.h"

#include <algorithm>
#include <new>

#include "http/read_operation.h"

namespace creche::http {

namespace {

// One piece of a body.
struct Piece : tasks::Held {
  Buffer bytes;
};

}  // namespace

Response::Response(Call& call)
    : head_(std::move(call.head())),
      url_(call.request().url),
      method_(call.request().method),
      hops_(call.request().hops) {
  info_.times = call.times();
  info_.redirects = call.request().redirects;
  info_.attempts = std::max(call.attempts(), 1u);
  info_.reused = call.reused();
  info_.tls = call.tls();
  info_.waited = call.waited();
  info_.connection = call.connection();
  sent_at_.store(info_.times.sent, std::memory_order_relaxed);
  ended_.store(info_.times.ended, std::memory_order_relaxed);
  body_bytes_.store(call.body_bytes(), std::memory_order_relaxed);
  sent_bytes_.store(call.sent_bytes(), std::memory_order_relaxed);
}

Ref<Response> Response::Whole(Call& call) {
  auto response = Ref<Response>::Adopt(new Response(call));
  response->body_ = std::move(call.whole().bytes());
  response->decoded_bytes_.store(response->body_.size(), std::memory_order_relaxed);
  response->TakeTrailer(call);
  return response;
}

Ref<Response> Response::Written(Call& call, uint64_t bytes) {
  auto response = Ref<Response>::Adopt(new Response(call));
  response->decoded_bytes_.store(bytes, std::memory_order_relaxed);
  response->TakeTrailer(call);
  return response;
}

void Response::TakeTrailer(Call& call) noexcept {
  trailer_owned_ = call.TakeTrailer();
  if (trailer_owned_) trailer_.store(trailer_owned_.get(), std::memory_order_release);
}

Ref<Response> Response::Stream(Ref<Loop> loop, std::unique_ptr<Call>* call) {
  auto response = Ref<Response>::Adopt(new Response(**call));
  response->loop_ = std::move(loop);
  response->stream_ = (*call)->TakeStream();
  (*call)->set_owner(response.get());
  response->call_ = std::move(*call);
  return response;
}

ResponseInfo Response::info() const {
  ResponseInfo info = info_;
  info.times.sent = sent_at_.load(std::memory_order_relaxed);
  info.times.ended = ended_.load(std::memory_order_relaxed);
  info.body_bytes = body_bytes_.load(std::memory_order_relaxed);
  info.decoded_bytes = decoded_bytes_.load(std::memory_order_relaxed);
  info.sent_bytes = sent_bytes_.load(std::memory_order_relaxed);
  return info;
}

void Response::StartRead(ReadOperation* reader) noexcept {
  if (reader_) {
    reader->Done(tasks::Outcome::Failed(
        MakeError(Status::kState, Phase::kBody,
                  "another read of this response is under way: wait for its completion")));
    return;
  }
  reader_ = reader;
  if (stream_->readable() || failure_ || records_) Serve();
  if (reader_ && call_) call_->SetAwaited(reader_->capacity_);
}

void Response::StopRead() noexcept {
  reader_ = nullptr;
  if (call_) call_->SetAwaited(0);
}

// What there is for the reader: nothing of it is copied if it is much.
Problem Response::Fill(Buffer* piece, ErrorRef* own) {
  if (reader_->record_) return FillRecord(piece, own);
  if (records_ && !records_->empty()) return records_->Take(reader_->capacity_, piece), Problem();
  if (stream_->Take(reader_->capacity_, piece)) return {};
  const size_t room = stream_->Worth(reader_->capacity_);
  char* const into = piece->Reserve(room + 1);  // never none
  if (!into) throw std::bad_alloc();
  size_t size = 0;
  const Problem problem = stream_->Read(into, room, &size);
  piece->Commit(size);
  return problem;
}

// *own: what ends this read and no other: nothing is lost.
Problem Response::FillRecord(Buffer* piece, ErrorRef* own) {
  if (!records_) records_ = std::make_unique<RecordReader>();
  Problem problem;
  switch (records_->Read(stream_.get(), *reader_->record_, piece, &problem)) {
    case RecordReader::Step::kTooLong:
      *own = MakeError(
          Status::kLimit, Phase::kBody,
          Shown() +
              ": what was asked for is longer than max: ask for more, or read it piece by piece");
      return {};
    case RecordReader::Step::kShort:
      *own = failure_ ? failure_
                      : MakeError(Status::kLimit, Phase::kBody,
                                  Shown() +
                                      ": the body ends before what was asked for: read what "
                                      "there is");
      return {};
    default:
      return problem;
  }
}

// Gives the reader what there is; it goes on waiting if that is nothing.
void Response::Serve() noexcept {
  tasks::Outcome outcome;
  bool last = false;
  try {
    auto piece = std::make_unique<Piece>();
    ErrorRef own;
    const Problem problem = Fill(&piece->bytes, &own);
    if (!piece->bytes.empty()) {
      outcome.what = tasks::What::kChunk;
      outcome.data = piece->bytes.data();
      outcome.size = piece->bytes.size();
      decoded_bytes_.store(decoded_bytes_.load(std::memory_order_relaxed) + outcome.size,
                           std::memory_order_relaxed);
      outcome.held = std::move(piece);
    } else if (own) {
      outcome = tasks::Outcome::Failed(std::move(own));
    } else if (problem.bad()) {
      if (!failure_)
        failure_ = MakeError(problem.status, Phase::kBody, Shown() + ": " + problem.text);
      if (call_ && !sent_) upload_failure_ = failure_;  // Close, below, cuts it
      outcome = tasks::Outcome::Failed(failure_);
      last = true;
    } else if (AllGiven() && failure_) {
      outcome = tasks::Outcome::Failed(failure_);
      last = true;
    } else if (AllGiven()) {
      outcome.what = tasks::What::kEnd;
      last = true;
    } else {
      return;
    }
  } catch (const std::bad_alloc&) {
    outcome = tasks::Outcome::Failed(NoMemoryError());
  }
  ReadOperation* reader = std::exchange(reader_, nullptr);
  if (call_) call_->SetAwaited(0);
  const Ref<Response> alive = Ref<Response>::Share(this);
  reader->Done(std::move(outcome));
  if (last) Close();  // whom it held open learns of the end before it ends
}

void Response::OnBody() noexcept {
  body_bytes_.store(call_->body_bytes(), std::memory_order_relaxed);
  if (reader_) Serve();
}

void Response::OnEnd(ErrorRef error) noexcept {
  const Ref<Response> alive = Ref<Response>::Share(this);
  body_bytes_.store(call_->body_bytes(), std::memory_order_relaxed);
  sent_bytes_.store(call_->sent_bytes(), std::memory_order_relaxed);
  ended_.store(call_->times().ended, std::memory_order_relaxed);
  TakeTrailer(*call_);
  failure_ = std::move(error);
  if (!sent_) upload_failure_ = failure_;
  stream_->End();  // what came before a failure is delivered before it
  call_.reset();
  if (reader_) Serve();
  OnSent();
  // A session that was closed must not hold groups open by what nobody will read.
  if (failure_ && failure_->status() == Status::kClosed) EndLease();
}

void Response::OnSent() noexcept {
  if (call_) {
    sent_at_.store(call_->times().sent, std::memory_order_relaxed);
    sent_bytes_.store(call_->sent_bytes(), std::memory_order_relaxed);
  }
  if (std::exchange(sent_, true) || !feeder_) return;
  if (moved_) return std::exchange(feeder_, nullptr)->OnOver(std::move(upload_failure_));
  feeder_->OnSent();
}

void Response::Answer(Status status, std::string piece, bool more, ErrorRef error) noexcept {
  const Ref<Response> alive = Ref<Response>::Share(this);
  if (call_) call_->Answer(status, std::move(piece), more, std::move(error));
}

void Response::CancelUpload() noexcept {
  const Ref<Response> alive = Ref<Response>::Share(this);
  feeder_ = nullptr;
  GiveUp(": the request was cancelled while its body was being sent");
}

Status Response::Move(uint64_t to) noexcept {
  const Status status = MoveTo(*loop_, to);
  if (status != Status::kOk) return status;
  if (!away_.exchange(true)) move_.Submit(*loop_);
  return status;
}

void Response::OnMoved() noexcept {
  moved_ = true;
  if (feeder_ && sent_) std::exchange(feeder_, nullptr)->OnOver(std::move(upload_failure_));
}

// The body has been read, or nobody will read it: the connection is closed if it is still needed
// for it, and nobody is held open any more.
void Response::Close() noexcept {
  if (call_) call_->Abort();  // not destroyed: it may be what is calling
  EndLease();
}

void Response::EndLease() noexcept {
  Detach();
  if (Feeder* feeder = std::exchange(feeder_, nullptr)) feeder->OnOver(std::move(upload_failure_));
}

void Response::Released() noexcept {
  if (!whole()) release_.Submit(*loop_);  // refused by a loop that has ended with everything
}

void Response::OnReleased() noexcept {
  GiveUp(": the response was released");
}

// Reads that wait, or come later because they were on their way, are told so.
void Response::GiveUp(const char* how) noexcept {
  try {
    if (!failure_ && !AllGiven())
      failure_ = MakeError(Status::kClosed, Phase::kBody, Shown() + how);
  } catch (const std::bad_alloc&) {
    failure_ = NoMemoryError();
  }
  Close();
  stream_->End();
  if (reader_ && !reader_->stopping()) Serve();  // else it is told of its cancellation
}

void Response::GiveBack() noexcept {
  const Ref<Response> alive = Ref<Response>::Share(this);
  GiveUp(": the response was given back with the end of its owner");
}

}  // namespace creche::http
