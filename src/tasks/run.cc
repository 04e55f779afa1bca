// Loops that their caller runs: to their end, turn by turn, or while it waits for something in
// them.
#include <algorithm>
#include <cerrno>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// The right to run a caller-run loop, for as long as it lives.
class Run {
 public:
  explicit Run(uint64_t id) noexcept {
    if (Loop::OnAnyLoop()) {
      status_ = Status::kWouldDeadlock;
      return;
    }
    Section section(id, Bit(Kind::kLoop));
    status_ = section.status();
    if (!section.ok()) return;
    Tree* tree = section.tree();
    if (!tree->runner_.caller_runs || tree->runner_.being_run || tree->runner_.joining) {
      status_ = Status::kState;
    } else if (tree->life_.ended) {
      status_ = Status::kEnded;
    } else {
      tree->runner_.being_run = true;
      tree->runner_.caller = pthread_self();
      tree_ = Ref<Tree>::Share(tree);
    }
  }
  ~Run() {
    if (!tree_) return;
    Section section(*tree_);
    tree_->runner_.being_run = false;
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  Status status() const { return status_; }
  Tree* operator->() const { return tree_.get(); }

 private:
  Ref<Tree> tree_;
  Status status_ = Status::kOk;
};

}  // namespace

Status RunLoop(uint64_t id) noexcept {
  Run run(id);
  if (run.status() == Status::kOk) run->TurnUntilEnded();
  return run.status();
}

Status PollLoop(uint64_t id, Nanos timeout) noexcept {
  Run run(id);
  if (run.status() != Status::kOk) return run.status();
  const Nanos until = After(platform::MonotonicNow(), timeout);
  for (bool first = true;; first = false) {
    const Nanos left =
        timeout == kNever ? kNever : std::max<Nanos>(0, until - platform::MonotonicNow());
    bool signalled = false;
    if (run->Turn(left, &signalled)) return Status::kOk;
    if (run->HasEnded()) return Status::kEnded;
    if (signalled) return Status::kInterrupted;
    if (!first && left == 0) return Status::kTimeout;
  }
}

Status LoopFd(uint64_t id, int* fd) noexcept {
  Section section(id, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (!tree->runner_.caller_runs) return Status::kState;
  if (tree->life_.ended) return Status::kEnded;
  *fd = tree->domain()->epoll_fd;
  return *fd < 0 ? Status::kUnsupported : Status::kOk;
}

Status NextTimeout(uint64_t id, Nanos* timeout) noexcept {
  Run run(id);
  if (run.status() == Status::kOk) *timeout = run->SleepElsewhere();
  return run.status();
}

bool Tree::BeginAwait(const void* object) noexcept {
  if (!runner_.caller_runs || runner_.being_run || runner_.joining || life_.ended ||
      runner_.caller != pthread_self())
    return false;
  runner_.being_run = true;
  runner_.awaited = object;
  return true;
}

int Tree::AwaitTurn(Nanos until) noexcept {
  const Nanos left = until == kNever ? kNever : until - platform::MonotonicNow();
  bool signalled = false;
  const bool did = left > 0 && Turn(left, &signalled);
  Section section(*this);
  runner_.being_run = runner_.came = false;
  runner_.awaited = nullptr;
  if (left <= 0) return ETIMEDOUT;
  return signalled && !did ? EINTR : 0;
}

}  // namespace creche::tasks
