#include "http/body/segments.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/worker_call.h"
#include "platform/file.h"

namespace creche::http {

namespace {

// What is made at a time: enough to keep a fast connection busy while the next piece is read.
constexpr uint64_t kPiece = 256 << 10;

ErrorRef Unreadable(int error) noexcept {
  try {
    return MakeSystemError(Status::kBody, Phase::kSend, "the file of the body cannot be read",
                           error);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace

// Kept alive by the workers, and then by the job on its way back.
class Segments::Reading final : public WorkerCall {
 public:
  Reading(Segments* of, Loop& loop, size_t index, uint64_t offset, size_t size)
      : WorkerCall(loop, WorkKind::kFile),
        of_(of),
        segments_(of->segments_),
        file_((*segments_)[index].file.get()),
        offset_(offset),
        piece_(size, '\0') {}

  std::string& piece() { return piece_; }
  size_t wanted() const { return wanted_; }
  int error() const { return error_; }

 private:
  void Work() noexcept override { error_ = platform::ReadAt(file_, offset_, &piece_); }
  void Done() noexcept override { of_->OnRead(this); }

  Segments* const of_;
  const std::shared_ptr<const std::vector<Segment>> segments_;  // the file stays open
  const int file_;
  const uint64_t offset_;
  std::string piece_;
  const size_t wanted_ = piece_.size();
  int error_ = 0;
};

Segments::Segments(Loop& loop, std::vector<Segment> segments)
    : Segments(loop, std::make_shared<const std::vector<Segment>>(std::move(segments))) {}

std::unique_ptr<BodyProducer> Segments::Clone() const {
  return std::unique_ptr<BodyProducer>(new Segments(loop_, segments_));
}

Segments::Segments(Loop& loop, std::shared_ptr<const std::vector<Segment>> segments)
    : loop_(loop),
      segments_(std::move(segments)),
      timer_(
          loop, [](void* self) noexcept { static_cast<Segments*>(self)->OnTimer(); }, this) {
  for (const Segment& segment : *segments_) size_ += segment.length();
}

Segments::~Segments() {
  Forget();
}

void Segments::Forget() noexcept {
  timer_.Disarm();
  if (Reading* reading = std::exchange(reading_, nullptr)) {
    reading->Abandon();
    reading->Unref();
  }
  listener_ = nullptr;
}

void Segments::Rewind() noexcept {
  Forget();
  next_ = 0;
  done_ = 0;
}

bool Segments::Produce(Listener* listener) noexcept {
  Forget();
  listener_ = listener;
  while (next_ < segments_->size() && (*segments_)[next_].length() == done_) {
    next_++;
    done_ = 0;
  }
  if (next_ < segments_->size() && (*segments_)[next_].file) return Read((*segments_)[next_]);
  return timer_.Arm(loop_.now());
}

bool Segments::Read(const Segment& segment) noexcept {
  try {
    auto reading = MakeRef<Reading>(this, loop_, next_, segment.offset + done_,
                                    static_cast<size_t>(std::min(kPiece, segment.size - done_)));
    if (!reading->Start()) return false;
    reading_ = reading.Leak();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Segments::OnRead(Reading* reading) noexcept {
  const Ref<Reading> done = Ref<Reading>::Adopt(std::exchange(reading_, nullptr));
  if (reading->error() == 0 && reading->piece().size() == reading->wanted())
    return Tell(std::move(reading->piece()));
  Listener* const listener = std::exchange(listener_, nullptr);
  const ErrorRef why =
      reading->error() != 0
          ? Unreadable(reading->error())
          : MakeError(Status::kBody, Phase::kSend,
                      "the file of the body is shorter than was said: it was cut meanwhile, or its "
                      "size is wrong");
  listener->OnPiece(why, {}, false);
}

void Segments::OnTimer() noexcept {
  if (next_ == segments_->size()) return Tell({});
  const std::string& bytes = (*segments_)[next_].bytes;
  try {
    return Tell(bytes.substr(done_, kPiece));
  } catch (const std::bad_alloc&) {
  }
  std::exchange(listener_, nullptr)->OnPiece(NoMemoryError(), {}, false);
}

void Segments::Tell(std::string piece) noexcept {
  done_ += piece.size();
  bool more = false;
  for (size_t i = next_; i < segments_->size() && !more; i++)
    more = (*segments_)[i].length() > (i == next_ ? done_ : 0);
  std::exchange(listener_, nullptr)->OnPiece(nullptr, std::move(piece), more);
}

}  // namespace creche::http
