#include "http/download_operation.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/worker_call.h"
#include "http/body/whole_body.h"
#include "http/response.h"
#include "platform/file.h"
#include "tasks/api.h"

namespace creche::http {

using tasks::Outcome;

// Kept alive by the workers, and then by the job on its way back.
class DownloadOperation::Writing final : public WorkerCall {
 public:
  Writing(DownloadOperation* of, Loop& loop, uint64_t offset, Buffer* piece)
      : WorkerCall(loop, WorkKind::kFile), of_(of), to_(of->to_), offset_(offset) {
    piece_.Swap(*piece);
  }
  Buffer& piece() { return piece_; }
  int error() const { return error_; }

 private:
  void Work() noexcept override {
    error_ = platform::WriteAt(to_->file.get(), offset_, piece_.view());
  }
  void Done() noexcept override { of_->OnWritten(this); }

  DownloadOperation* const of_;
  const std::shared_ptr<const Download> to_;  // the file stays open
  const uint64_t offset_;
  Buffer piece_;
  int error_ = 0;
};

DownloadOperation::DownloadOperation(tasks::ResidentUse<Session> session, Download to)
    : session_(std::move(session)),
      to_(std::make_shared<const Download>(std::move(to))),
      call_(std::make_unique<Call>(true, static_cast<Call::Owner*>(this))),
      stream_(call_->TakeStream()) {}

DownloadOperation::~DownloadOperation() {
  if (!writing_) return;
  writing_->Abandon();
  writing_->Unref();
}

void DownloadOperation::Start() noexcept {
  if (refused_) return Fail(std::move(refused_));
  Calls* calls = session_->calls();
  if (!calls)
    return Fail(MakeError(Status::kClosed, closed_in_line() ? Phase::kLimit : Phase::kPool,
                          "the session was closed: open another one"));
  call_->request().task = task_id();
  if (Watch* watch = call_->request().watch.get()) watch->Begin(task_id(), &call_->request());
  call_->Start(*calls);
}

void DownloadOperation::Answer(Status status, std::string bytes, bool more,
                               ErrorRef error) noexcept {
  const auto next = pulls_.Answered();
  if (completed_ || cancelled_) return;
  if (!next) return call_->Answer(status, std::move(bytes), more, std::move(error));
  // What is being written is waited for.
  if (!Ask(tasks::What::kPull, next->hint, next->code)) call_->Fail(NoMemoryError());
}

bool DownloadOperation::OnPull(uint64_t hint) noexcept {
  const auto question = pulls_.Wanted(hint, &call_->request().body);
  return !question || Ask(tasks::What::kPull, question->hint, question->code);
}

bool DownloadOperation::OnHead() noexcept {
  waits_for_.store("body", std::memory_order_relaxed);
  stream_->set_awaited(kPiece);
  Pump();
  return true;
}

void DownloadOperation::OnEnd(ErrorRef error) noexcept {
  ended_ = true;
  failure_ = std::move(error);
  stream_->End();
  Pump();
}

// Writes what is there, unless a piece is being written; that one goes on here.
void DownloadOperation::Pump() noexcept {
  if (writing_ || completed_ || cancelled_) return;
  Problem problem;
  try {
    if (Collect(&problem)) return Write();
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  if (problem.bad()) return Fail(ErrorOf(problem.status, problem.text));
  if (!ended_) return call_->SetAwaited(kPiece);
  if (failure_) return Fail(std::move(failure_));
  Finish();
}

// Fills the piece with what is there; true if that is something.
bool DownloadOperation::Collect(Problem* problem) {
  while (piece_.size() < kPiece) {
    const size_t room = std::min(stream_->Worth(kPiece), kPiece - piece_.size());
    char* const into = piece_.Reserve(room + 1);  // never none
    if (!into) throw std::bad_alloc();
    size_t size = 0;
    *problem = stream_->Read(into, room, &size);
    if (stream_->decoded_from() > WholeBody::MostCoded(to_->most)) {
      *problem = {Status::kLimit, "the coded body is far larger than the size of to_file"};
      break;
    }
    if (size == 0) break;
    if (size > to_->most - taken_) {
      *problem = {Status::kLimit, "the body is larger than the size of to_file"};
      break;
    }
    taken_ += size;
    piece_.Commit(size);
  }
  return !piece_.empty() && problem->status != Status::kLimit;
}

void DownloadOperation::Write() {
  auto writing = MakeRef<Writing>(this, loop(), to_->offset + written_, &piece_);
  const bool started = writing->Start();
  if (!started)
    return Fail(NoThreadError(Phase::kBody, "write the body", writing->start_errno(), 0));
  writing_ = writing.Leak();
  if (!ended_) call_->SetAwaited(kPiece);  // the next one may come
}

void DownloadOperation::OnWritten(Writing* writing) noexcept {
  const Ref<Writing> done = Ref<Writing>::Adopt(std::exchange(writing_, nullptr));
  if (completed_) return;
  if (cancelled_) {
    completed_ = true;
    return Complete(Outcome::Cancelled(Phase::kBody));
  }
  if (writing->error() != 0) {
    ErrorRef error;
    try {
      error = MakeSystemError(
          Status::kSystem, Phase::kBody,
          std::string(call_->request().url.shown()) + ": the body cannot be written to the file",
          writing->error());
    } catch (const std::bad_alloc&) {
      error = NoMemoryError();
    }
    return Fail(std::move(error));
  }
  written_ += writing->piece().size();
  piece_.Swap(writing->piece());  // its memory is used again
  piece_.Clear();
  Pump();
}

// What is being written is waited for: nothing is written behind the completion.
void DownloadOperation::Cancel() noexcept {
  const Phase phase = call_->phase();
  call_->Abort();
  if (writing_ && writing_->TakeBack()) std::exchange(writing_, nullptr)->Unref();
  cancelled_ = true;
  if (writing_) return;
  completed_ = true;
  Complete(Outcome::Cancelled(phase));
}

Nanos DownloadOperation::Deadline() noexcept {
  tasks::ScopeState state{};
  if (tasks::GetScopeState(task_id(), &state) != Status::kOk) return kNever;
  return state.effective_deadline;
}

void DownloadOperation::Finish() noexcept {
  Outcome outcome;
  try {
    Ref<Response> response = Response::Written(*call_, written_);
    outcome.code = response->head().status;
    outcome.owned = true;
    outcome.value = AddObject(Kind::kResponse, std::move(response), loop());
  } catch (const std::bad_alloc&) {
  }
  if (outcome.value == 0) return Fail(NoMemoryError());
  completed_ = true;
  Complete(std::move(outcome));
}

void DownloadOperation::Fail(ErrorRef error) noexcept {
  completed_ = true;
  call_->Abort();  // not destroyed: it may be what is calling
  Outcome outcome = Outcome::Failed(std::move(error));
  if (outcome.status == Status::kHttpStatus) outcome.code = outcome.error->fields().http_status;
  Complete(std::move(outcome));
}

ErrorRef DownloadOperation::ErrorOf(Status status, const char* text) const {
  try {
    return MakeError(status, Phase::kBody, std::string(call_->request().url.shown()) + ": " + text);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::http
