#include "pg/stream_operation.h"

#include <algorithm>
#include <new>

#include "core/loop_job.h"
#include "pg/connection.h"

namespace creche::pg {

// Counts the blocks that the user holds; outlives the stream for as long as there are any.
class StreamOperation::Giver final : public RowsGiver {
 public:
  Giver(StreamOperation* stream, Loop& loop) : loop_(Ref<Loop>::Share(&loop)), stream_(stream) {}
  void BlockReleased() noexcept override {
    held_.fetch_sub(1);
    tell_.Submit(*loop_);
  }
  void Given() noexcept { held_.fetch_add(1); }
  uint32_t held() const noexcept { return held_.load(); }
  void Forget() noexcept { stream_ = nullptr; }

 private:
  void Tell() noexcept {
    if (stream_) stream_->BlockReleased();
  }

  LoopJob<&Giver::Tell> tell_{this};
  const Ref<Loop> loop_;
  StreamOperation* stream_;  // loop's thread; null once it has ended
  std::atomic<uint32_t> held_{0};
};

StreamOperation::StreamOperation(Place place, Statement statement, const QueryOptions& options)
    : PgOperation(std::move(place), Shape::kStream),
      statement_(std::move(statement)),
      options_(options),
      collector_(options.block_rows, options.block_bytes) {}

StreamOperation::~StreamOperation() {
  if (giver_) giver_->Forget();
}

ErrorRef StreamOperation::Prepare() noexcept {
  if (ErrorRef error = CheckStatement(statement_)) return error;
  try {
    giver_ = MakeRef<Giver>(this, loop());
    timer_ = std::make_unique<Timer>(loop(), OnTimer, this);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
  if (place_.lease()) NoteByHand(place_.lease(), statement_, false);
  Run(&statement_);
  set_collector(&collector_);
  set_prepare(options_.prepare);
  return nullptr;
}

void StreamOperation::BeginAgain() noexcept {
  timer_->Disarm();
  collector_.Clear();
}

void StreamOperation::OnRows() noexcept {
  if (error_) return;
  if (collector_.full()) return DeliverNow();
  // It may not fill up for a long time.
  if (timer_->armed() || timer_->Arm(After(loop().now(), kPatience))) return;
  error_ = NoMemoryError();
  (void)connection()->CancelRequest(this);
}

void StreamOperation::DeliverNow() noexcept {
  if (!Deliver()) {
    error_ = NoMemoryError();
    (void)connection()->CancelRequest(this);
  } else if (giver_->held() >= options_.blocks) {
    connection()->Pause(true);
  }
}

bool StreamOperation::Deliver() noexcept {
  timer_->Disarm();
  tasks::Outcome outcome;
  outcome.what = tasks::What::kRows;
  outcome.owned = true;
  const uint64_t count = collector_.rows();
  try {
    Ref<Rows> rows = collector_.Take({}, -1);
    rows->set_giver(giver_);
    outcome.data = rows->block();
    outcome.size = rows->block()->total_size;
    outcome.value = AddObject(Kind::kRows, std::move(rows), loop().id());
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (outcome.value == 0) return false;
  giver_->Given();
  rows_ += count;
  const uint64_t id = outcome.value;
  if (Operation::Deliver(std::move(outcome))) return true;
  ReleaseObject(id);
  return false;
}

void StreamOperation::BlockReleased() noexcept {
  if (connection() && giver_->held() < options_.blocks) connection()->Pause(false);
}

void StreamOperation::OnTimer(void* self) noexcept {
  auto* stream = static_cast<StreamOperation*>(self);
  if (stream->connection() && !stream->stopping() && !stream->error_ &&
      stream->collector_.rows() > 0)
    stream->DeliverNow();
}

void StreamOperation::Finish(Reply reply) noexcept {
  timer_->Disarm();
  // An error after rows: those came first, and belong to the user.
  if (!error_ && collector_.rows() > 0 && !Deliver()) error_ = NoMemoryError();
  if (error_ || reply.error) Break(reply);
  if (error_) return Fail(error_);
  if (reply.error) return Fail(std::move(reply.error));
  tasks::Outcome outcome;
  const uint64_t affected = reply.affected >= 0 ? static_cast<uint64_t>(reply.affected) : rows_;
  outcome.code = static_cast<uint32_t>(std::min<uint64_t>(affected, UINT32_MAX));
  Complete(std::move(outcome));
}

}  // namespace creche::pg
