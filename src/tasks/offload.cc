// Offloaded functions: user code that may block, on worker threads.
#include <cerrno>
#include <new>
#include <utility>

#include "platform/user_code.h"
#include "tasks/tree.h"
#include "tasks/waitable/limiter.h"

namespace creche::tasks {

namespace {

// The function on its way to a worker, and on it. Owns arg: frees it once, whatever happens, and
// before anybody can learn that it has ended (unless it was abandoned). Who sets UserNode::begun
// ends the task: the worker, the loop if it is cancelled before, or nobody but the destructor. A
// worker that finds it cancelled leaves it to the loop, which has yet to be told of that: so the
// order of ends in one turn does not hang on how quick a worker is.
class OffloadWork final : public WorkItem, public Waiter {
 public:
  OffloadWork(OffloadFn fn, void* arg, void (*arg_free)(void*))
      : fn_(fn), arg_(arg), arg_free_(arg_free) {}
  ~OffloadWork() override {
    // No worker took it: its task must not wait for ever.
    const bool lost = !ran_ && task_ != 0 && Take(false);
    FreeArg();
    if (token_ != 0) ReleaseToken(token_);
    if (!lost) return;
    ErrorRef error = NoThreadError(Phase::kTask, "run an offloaded function", refused_, 0);
    const Status status = error->status();
    Finish(task_, status, 0, std::move(error), false);
  }
  // The call failed: arg stays the caller's.
  void Disown() { arg_free_ = nullptr; }
  // Its task was cancelled: it does not run. With the tree's lock held; the caller frees arg.
  std::pair<void (*)(void*), void*> TakeArg() { return {std::exchange(arg_free_, nullptr), arg_}; }
  void set_task(uint64_t task) { task_ = task; }

  // ---- its place under a limiter; lock held, before a worker has it ----
  Status Reserve(Limiter* limiter) {
    Status status;
    reserved_ = limiter->Reserve(0, &status);
    if (reserved_) token_ = reserved_->id;
    return status;
  }
  bool limited() const { return reserved_ != nullptr; }
  // Takes a token, or a place in the line for one.
  void ApplyForToken(UserNode* of) {
    if (!reserved_ || task) return;
    task = of;
    Limiter* limiter = reserved_->limiter;
    if (limiter->closed) return;
    if (limiter->IsFree()) {
      limiter->Grant(this);
    } else {
      limiter->line.PushBack(this);
    }
  }
  bool admitted() const { return !reserved_ || reserved_->held; }
  bool refused() const { return !admitted() && reserved_->limiter->closed; }
  void Granted() { reserved_->held = true; }
  void Withdraw() {
    if (!reserved_) return;
    if (reserved_->limiter->line.Remove(this)) static_cast<UserNode*>(task)->waited = true;
    static_cast<void>(std::exchange(reserved_, nullptr)->GiveBackLocked());
  }

  void Refused(int why) noexcept override { refused_ = why; }
  void Run() noexcept override {
    ran_ = true;
    if (!Take(true)) return;
    if (Trace::Any()) Trace::DeliverMine();  // that it has begun: before it takes its time
    uint64_t value = 0;
    auto status = static_cast<Status>(platform::CallUser(fn_, arg_, task_, &value));
    FreeArg();
    if (token_ != 0) ReleaseToken(token_);
    ErrorRef error;
    if (static_cast<int32_t>(status) > 0) {
      status = Status::kInvalid;
      error = MakeError(status, Phase::kTask,
                        "an offloaded function returned a positive status; return CRECHE_OK, a "
                        "CRECHE_E_*, or -1000 and below");
    }
    Finish(task_, status, value, std::move(error), true);
  }
  // Behind Run it is still the worker's thread, where no call of the ABI tells what its sections
  // have left; in front of it, it is one that does.
  void LetGo() noexcept override {
    const bool on_worker = ran_;
    if (!GiveBack()) delete this;
    if (on_worker && Trace::Any()) Trace::DeliverMine();
  }

 private:
  // False if somebody else ends the task.
  bool Take(bool to_run) {
    Section section(task_, Bit(Kind::kTask));
    if (!section.ok()) return false;
    auto* task = static_cast<UserNode*>(section.node());
    if (task->begun) return false;
    // A shield that went up meanwhile does not recall it.
    cancelled_ = to_run && task->was_cancelled;
    if (cancelled_) return false;
    task->begun = true;
    if (to_run) section.tree()->Note(EventType::kStarted, task);
    return true;
  }
  // To the task, which the loop is about to end. False if it has done that.
  bool GiveBack() {
    if (!cancelled_) return false;
    Section section(task_, Bit(Kind::kTask));
    if (!section.ok()) return false;
    auto* task = static_cast<UserNode*>(section.node());
    if (task->begun) return false;
    task->work.reset(this);
    return true;
  }
  void FreeArg() {
    if (arg_free_) platform::CallUser(arg_free_, arg_);
    arg_free_ = nullptr;
  }
  static void Finish(uint64_t id, Status status, uint64_t value, ErrorRef error, bool by_user) {
    Section section(id, Bit(Kind::kTask));
    if (!section.ok()) return;  // abandoned
    static_cast<void>(section.tree()->FinishUser(static_cast<UserNode*>(section.node()), status,
                                                 value, std::move(error), by_user));
  }

  const OffloadFn fn_;
  void* const arg_;
  void (*arg_free_)(void*);
  uint64_t task_ = 0;
  Token* reserved_ = nullptr;
  uint64_t token_ = 0;  // its id: the work may outlive the limiter
  bool ran_ = false;
  bool cancelled_ = false;  // found by its worker
  int refused_ = ENOMEM;
};

}  // namespace

Status Offload(const StartArgs& args, OffloadFn fn, void* arg, const OffloadOptions& options,
               uint64_t* culprit) noexcept {
  *culprit = args.in;
  if (args.task) *args.task = 0;
  auto* work = new (std::nothrow) OffloadWork(fn, arg, options.arg_free);
  if (!work) return Status::kNoMemory;
  std::unique_ptr<OffloadWork> owned(work);
  NewContext context(args);
  Status status = Status::kNoMemory;
  if (context.ok()) {
    Section section(args.in, kScopeKinds);
    status = section.status();
    if (section.ok()) status = Tree::Admits(section.node());
    Tree* tree = section.tree();
    if (status == Status::kOk && options.limiter != 0) {
      *culprit = options.limiter;
      void* found = FindHere(tree->domain(), options.limiter, Bit(Kind::kLimiter), &status);
      if (found) status = work->Reserve(static_cast<Limiter*>(found));
      if (status == Status::kOk) *culprit = args.in;
    }
    if (status == Status::kOk) {
      UserNode* task = tree->NewUser(NodeType::kOffload);
      uint64_t id = 0;
      StartArgs own = args;
      own.task = &id;
      if (task) {
        task->abandon = options.abandon;
        status = tree->StartTask(task, section.node(), own, false);
      } else {
        status = Status::kNoMemory;
      }
      if (status == Status::kOk) {
        work->set_task(id);
        if (args.task) *args.task = id;
        context.GiveTo(task);
        task->queued = work;
        task->work = std::move(owned);
      } else {
        work->Withdraw();
      }
    }
  }
  if (owned) owned->Disown();
  return status;
}

namespace {

// Ends before a worker had it. It may have steps and open scopes all the same.
void FinishUnbegun(Tree& tree, UserNode* task, Status status, TreeLock& lock) noexcept {
  task->begun = true;
  auto* queued = static_cast<OffloadWork*>(task->queued);
  queued->Withdraw();
  const auto [arg_free, arg] = queued->TakeArg();
  std::unique_ptr<WorkItem> work = std::move(task->work);
  lock.unlock();
  work.reset();
  if (arg_free) platform::CallUser(arg_free, arg);
  ErrorRef error;
  if (status == Status::kClosed) error = ClosedError("the limiter of an offload was released");
  lock.lock();
  static_cast<void>(tree.FinishUser(task, status, 0, std::move(error), false));
}

}  // namespace

void Tree::WakeOffload(Waiter* waiter) noexcept {
  auto* work = static_cast<OffloadWork*>(waiter);
  if (!work->refused()) work->Granted();
  PushEffect(work->task);
}

void OffloadOps::Begin(Tree& tree, EndNode* task) noexcept {
  tree.BeginOnLoop(task);
}

void OffloadOps::Reach(Tree& tree, EndNode* task) noexcept {
  task->tell_cancel = true;
  tree.PushEffect(task);
}

void OffloadOps::Effect(Tree& tree, EndNode* node, TreeLock& lock) noexcept {
  auto* task = static_cast<UserNode*>(node);
  if (task->tell_cancel && !task->ending) {
    task->tell_cancel = false;
    if (!task->begun) return FinishUnbegun(tree, task, Status::kCancelled, lock);
    if (task->abandon)
      static_cast<void>(tree.FinishUser(task, Status::kCancelled, 0, nullptr, false));
    return;
  }
  if (!task->work || task->ending) return;  // a worker has it
  auto* work = static_cast<OffloadWork*>(task->queued);
  work->ApplyForToken(task);
  if (work->refused()) return FinishUnbegun(tree, task, Status::kClosed, lock);
  if (!work->admitted()) return;  // until its limiter wakes it
  task->state = State::kRunning;
  tree.clock_gate_.holds++;
  Workers& workers = work->limited() ? *tree.workers_.limited : *tree.workers_.shared;
  std::unique_ptr<WorkItem> item = std::move(task->work);
  lock.unlock();
  // Without a worker the item is destroyed, which finishes the task.
  static_cast<void>(workers.Submit(std::move(item)));
  lock.lock();
}

Status OffloadCancelled(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kTask));
  if (!section.ok()) return section.status();
  if (section.node()->type != NodeType::kOffload) return Status::kBadHandle;
  // A shield that goes up does not recall it.
  return static_cast<EndNode*>(section.node())->was_cancelled ? Status::kCancelled : Status::kOk;
}

}  // namespace creche::tasks
