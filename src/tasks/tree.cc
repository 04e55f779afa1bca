// The life of a loop: opened, run by its thread, closed, abandoned. Its end is in join.cc.
#include "tasks/tree.h"

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <new>

#include "platform/thread.h"
#include "tasks/label.h"

namespace creche::tasks {

Tree::Tree() = default;

Tree::~Tree() {
  free(root_.label);
}

Status Tree::Open(const LoopOptions& options, uint64_t* id, int* system_errno) noexcept {
  *id = 0;
  *system_errno = 0;
  Ref<Tree> tree;
  try {
    tree = MakeRef<Tree>();
    tree->workers_.shared = std::make_unique<Workers>(options.offload_limit);
    if (options.virtual_clock) tree->UseVirtualClock();
    tree->UseBusyPoll(options.busy_poll);
    if (options.context) {
      tree->context_ = std::make_unique<ContextHeld>();
      tree->context_->context = MakeRef<Context>(*options.context);
    }
    tree->workers_.limited = std::make_unique<Workers>(SIZE_MAX);
    if (options.hooks || options.log.write)
      tree->observers_.trace =
          MakeRef<Trace>(options.hooks ? *options.hooks : Hooks(), options.log);
    tree->UseLog(static_cast<uint32_t>(options.log.write ? options.log.level : LogLevel::kNone));
    tree->guarded_ = options.hooks || options.log.debug ? 1 : 0;
    if (options.stall_after > 0)
      tree->observers_.watchdog = std::make_unique<Watchdog>(*tree, options.stall_after);
  } catch (const std::bad_alloc&) {
    if (tree && tree->context_ && tree->context_->context) tree->context_->context->set_type({});
    return Status::kNoMemory;
  }
  if (const int failed = tree->OpenCore(); failed != 0) {
    if (options.context) tree->context_->context->set_type({});
    *system_errno = failed;
    return failed == ENOMEM ? Status::kNoMemory : Status::kSystem;
  }
  Group& root = tree->root_;
  root.policy = Policy::kCollect;
  root.state = State::kRunning;
  root.route = options.done ? Route::kFunction : Route::kNobody;
  root.done = options.done;
  root.user = options.user;
  root.started = tree->now();
  tree->runner_.caller_runs = options.caller_runs;
  tree->runner_.caller = pthread_self();
  tree->ready_.set_shuffle(options.shuffle_seed);
  Status status = Status::kOk;
  {
    std::lock_guard guard(tree->domain_->lock);
    root.id = AddSlot(tree->domain_, Kind::kLoop, static_cast<Node*>(&root));
    const bool labelled = MakeLabel(&root.label, options.name, nullptr);
    tree->id_ = root.id;
    if (root.id == 0 || !labelled) status = Status::kNoMemory;
  }
  if (status == Status::kOk && tree->observers_.watchdog) {
    *system_errno = tree->observers_.watchdog->Start();
    if (*system_errno != 0) status = Status::kSystem;
  }
  if (status == Status::kOk && !options.caller_runs) {
    *system_errno = platform::StartThread(
        &tree->runner_.thread, options.name ? options.name : "creche", ThreadMain, tree.get());
    if (*system_errno != 0) status = Status::kSystem;
    tree->runner_.has_thread = status == Status::kOk;
  }
  if (status != Status::kOk) {
    if (options.context) tree->context_->context->set_type({});
    if (tree->observers_.watchdog) tree->observers_.watchdog->Stop();
    tree->CloseCore();
    return status;
  }
  *id = root.id;
  static_cast<void>(tree.Leak());  // the handle's reference: given back by the join
  return Status::kOk;
}

void* Tree::ThreadMain(void* self) {
  static_cast<Tree*>(self)->TurnUntilEnded();
  return nullptr;
}

void Tree::TurnUntilEnded() noexcept {
  while (!HasEnded()) Turn(kNever);
}

bool Tree::HasEnded() noexcept {
  std::lock_guard guard(domain_->lock);
  return life_.ended;
}

void Tree::BeginClose() noexcept {
  root_.ending = true;
  CancelAll();
  QueueSettle(&root_);
  RequestWake();
}

void Tree::CancelAll() noexcept {
  Cancel(&root_, Reason::kShutdown, root_.id, nullptr);
  life_.all_cancelled = true;
  guarded_++;
  // What is open outside of tasks has nobody left who would close it; tasks close their own.
  for (Node* node = root_.first_child(); node;) {
    const bool scope = node->is_scope(), group = node->is_group();
    if (scope) {
      node->left_open = node->left_open || !node->leaving;
      node->leaving = true;
    }
    if (group) {
      node->left_open = node->left_open || !static_cast<Group*>(node)->ending;
      static_cast<Group*>(node)->ending = true;
    }
    if (scope || group) QueueSettle(node);
    // A task that has finished closes nothing any more either; below starts and operations are
    // tasks.
    const bool closes = IsUsers(node) && !static_cast<EndNode*>(node)->ending;
    Node* next = closes ? nullptr : node->first_child();
    if (!next) {
      while (node != &root_ && !node->next) node = node->parent;
      next = node == &root_ ? nullptr : node->next;
    }
    node = next;
  }
}

void Tree::BeginShutdown(Nanos grace) noexcept {
  if (grace == 0) return BeginClose();
  root_.ending = true;
  timers_.shutdown_at = std::min(timers_.shutdown_at, After(now(), grace));
  QueueSettle(&root_);
  RequestWake();
}

void Tree::RemoveResident(Resident* resident) noexcept {
  if (residents_.Remove(resident)) RequestWake();
}

Status OpenLoop(const LoopOptions& options, uint64_t* id, int* system_errno) noexcept {
  return Tree::Open(options, id, system_errno);
}

Status CloseLoop(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kLoop));
  if (section.ok()) section.tree()->BeginClose();
  return section.status();
}

Status ShutdownLoop(uint64_t id, Nanos grace) noexcept {
  Section section(id, Bit(Kind::kLoop));
  if (section.ok()) section.tree()->BeginShutdown(grace);
  return section.status();
}

Status AbandonLoop(uint64_t id) noexcept {
  Status status;
  {
    Locked found(id, Bit(Kind::kLoop));
    status = found.status();
  }
  if (status == Status::kOk) return Status::kState;
  if (status != Status::kForked) return status;
  AbandonDomain(DomainOfForked(id));
  return Status::kOk;
}

}  // namespace creche::tasks
