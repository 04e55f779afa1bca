// Offloaded functions: user code that may block, on worker threads.
#include <new>
#include <utility>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// The function on its way to a worker, and on it. Owns arg: frees it once, whatever happens, and
// before anybody can learn that it has ended (unless it was abandoned). Who sets UserNode::begun
// ends the task: the worker, the loop if it is cancelled before, or nobody but the destructor.
class OffloadWork final : public WorkItem {
 public:
  OffloadWork(OffloadFn fn, void* arg, void (*arg_free)(void*))
      : fn_(fn), arg_(arg), arg_free_(arg_free) {}
  ~OffloadWork() override {
    // No worker took it: its task must not wait for ever.
    const bool lost = !ran_ && task_ != 0 && Take(nullptr);
    FreeArg();
    if (!lost) return;
    ErrorRef error = MakeError(Status::kNoMemory, Phase::kTask,
                               "no worker thread could be started for an offloaded function");
    Finish(task_, Status::kNoMemory, 0, std::move(error));
  }
  // The call failed: arg stays the caller's.
  void Disown() { arg_free_ = nullptr; }
  // Its task was cancelled: it does not run. With the tree's lock held; the caller frees arg.
  std::pair<void (*)(void*), void*> TakeArg() { return {std::exchange(arg_free_, nullptr), arg_}; }
  void set_task(uint64_t task) { task_ = task; }

  void Run() noexcept override {
    ran_ = true;
    bool cancelled;
    if (!Take(&cancelled)) return;
    uint64_t value = 0;
    Status status = Status::kCancelled;
    if (!cancelled) status = static_cast<Status>(fn_(arg_, task_, &value));
    FreeArg();
    ErrorRef error;
    if (static_cast<int32_t>(status) > 0) {
      status = Status::kInvalid;
      error = MakeError(status, Phase::kTask,
                        "an offloaded function returned a positive status; return CRECHE_OK, a "
                        "CRECHE_E_*, or -1000 and below");
    }
    Finish(task_, status, value, std::move(error));
  }

 private:
  // False if somebody else ends the task.
  bool Take(bool* cancelled) {
    Section section(task_, Bit(Kind::kTask));
    if (!section.ok()) return false;
    auto* task = static_cast<UserNode*>(section.node());
    if (task->begun) return false;
    task->begun = true;
    if (cancelled) *cancelled = task->eff;
    return true;
  }
  void FreeArg() {
    if (arg_free_) arg_free_(arg_);
    arg_free_ = nullptr;
  }
  static void Finish(uint64_t id, Status status, uint64_t value, ErrorRef error) {
    Section section(id, Bit(Kind::kTask));
    if (!section.ok()) return;  // abandoned
    static_cast<void>(section.tree()->FinishUser(static_cast<UserNode*>(section.node()), status,
                                                 value, std::move(error)));
  }

  const OffloadFn fn_;
  void* const arg_;
  void (*arg_free_)(void*);
  uint64_t task_ = 0;
  bool ran_ = false;
};

}  // namespace

Status Offload(const Tail& tail, OffloadFn fn, void* arg, void (*arg_free)(void*),
               bool abandon) noexcept {
  if (tail.task) *tail.task = 0;
  auto* work = new (std::nothrow) OffloadWork(fn, arg, arg_free);
  if (!work) return Status::kNoMemory;
  std::unique_ptr<OffloadWork> owned(work);
  NewContext context(tail);
  Status status = Status::kNoMemory;
  if (context.ok()) {
    Section section(tail.in, kScopeKinds);
    status = section.status();
    if (section.ok()) status = Tree::Admits(section.node());
    if (status == Status::kOk) {
      Tree* tree = section.tree();
      UserNode* task = tree->users_pool_.New(NodeType::kOffload);
      uint64_t id = 0;
      Tail own = tail;
      own.task = &id;
      if (task) {
        task->abandon = abandon;
        status = tree->StartTask(task, section.node(), own, false);
      } else {
        status = Status::kNoMemory;
      }
      if (status == Status::kOk) {
        work->set_task(id);
        if (tail.task) *tail.task = id;
        context.GiveTo(task);
        task->queued = work;
        task->work = std::move(owned);
      }
    }
  }
  if (owned) owned->Disown();
  return status;
}

// Cancelled before a worker had it. It may have steps and open scopes all the same.
void Tree::FinishUnbegun(UserNode* task, std::unique_lock<platform::Lock>& lock) noexcept {
  task->begun = true;
  const auto [arg_free, arg] = static_cast<OffloadWork*>(task->queued)->TakeArg();
  std::unique_ptr<WorkItem> work = std::move(task->work);
  lock.unlock();
  work.reset();
  if (arg_free) arg_free(arg);
  lock.lock();
  static_cast<void>(FinishUser(task, Status::kCancelled, 0, nullptr, false));
}

void Tree::RunOffload(UserNode* task, std::unique_lock<platform::Lock>& lock) noexcept {
  if (task->state == State::kStarting) {
    if (task->tell_cancel) return FinishUnbegun(task, lock);
    task->state = State::kRunning;
    clock_holds_++;
    std::unique_ptr<WorkItem> work = std::move(task->work);
    lock.unlock();
    // Without a worker the item is destroyed, which finishes the task.
    static_cast<void>(offload_workers_->Submit(std::move(work)));
    lock.lock();
    return;
  }
  if (!task->tell_cancel || task->ending) return;
  task->tell_cancel = false;
  if (!task->begun) return FinishUnbegun(task, lock);
  if (task->abandon) static_cast<void>(FinishUser(task, Status::kCancelled, 0, nullptr, false));
}

Status OffloadCancelled(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kTask));
  if (!section.ok()) return section.status();
  if (section.node()->type != NodeType::kOffload) return Status::kBadHandle;
  // A shield that goes up does not recall it.
  return static_cast<EndNode*>(section.node())->was_eff ? Status::kCancelled : Status::kOk;
}

}  // namespace creche::tasks
