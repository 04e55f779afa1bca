// Tree: a loop and the tree of scopes, groups and tasks that lives on it.
//
// One lock (that of the loop's domain) guards the whole tree, so that every verdict (admitted,
// cancelled, left, finished) is made in the calling thread and stands when the call returns; only
// effects wait for the loop: starting and cancelling operations, callbacks. The lock is held for
// short sections without system calls and never while code of the user or of a protocol runs.
#pragma once
#include <atomic>
#include <string>

#include "core/loop.h"
#include "tasks/context.h"
#include "tasks/limiter.h"
#include "tasks/node.h"
#include "tasks/options.h"
#include "tasks/pool.h"
#include "tasks/queue.h"
#include "tasks/trace.h"
#include "tasks/watchdog.h"

namespace creche::tasks {

class Tree final : public Loop {
 public:
  Tree();
  ~Tree() override;

  // ---- life (tree.cc) ----
  static Status Open(const LoopOptions& options, uint64_t* id, int* system_errno) noexcept;
  void TurnUntilEnded() noexcept;
  // For a blocking call on the thread that runs a caller-run loop, which would wait for itself: it
  // turns the loop until `object` has come (lock held). False: others run it, it waits for them.
  bool BeginAwait(const void* object) noexcept;
  // One turn (without the lock), and the end of that. 0, ETIMEDOUT or EINTR.
  int AwaitTurn(Nanos until) noexcept;
  // Lock held: something has happened to an object that may be awaited.
  void Came(const void* object) noexcept {
    if (object != awaited_) return;
    came_ = true;
    Poke();
  }
  using Loop::Turn;
  bool HasEnded() noexcept;
  // Waits for the end and takes everything down. survivors: what is alive at a timeout.
  Status Join(Nanos timeout, std::string* survivors) noexcept;
  using Loop::CloseCore;  // called by the last that sees a joined loop's domain
  // With the lock held:
  void BeginClose() noexcept;
  void BeginShutdown(Nanos grace) noexcept;
  void CancelAll() noexcept;  // reason: shutdown; closes what is open outside of tasks
  void AddResidentLocked(Resident* resident) noexcept;
  void RemoveResident(Resident* resident) noexcept;
  bool closing() const noexcept { return root_.ending; }

  // ---- admission (start.cc); lock held ----
  // Whether something may be started in `in` now.
  static Status Admits(const Node* in) noexcept;
  // The same for a group or scope, which somebody must close: where nobody is left who would, none
  // is opened any more.
  Status AdmitsOpen(const Node* in) const noexcept;
  bool IsAttended(const Node* in) const noexcept;
  // Finds the queue a route needs and checks it; fills node's route fields.
  Status SetRoute(EndNode* node, Node* in, const Tail& tail) noexcept;
  // Links an admitted node into the tree and counts it. No failure from here on.
  void Link(Node* node, Node* in, bool shield) noexcept;
  // Of a new node: what can fail of it (false without memory), and what cannot.
  bool PrepareDeadline(Node* node, Nanos timeout, Nanos deadline) noexcept;
  void StartDeadline(Node* node) noexcept;
  // What is not just a function to be called; the queue is the one to be inherited.
  Status SetOtherRoute(EndNode* node, Node* in, const Tail& tail, Queue* queue) noexcept;
  Status ReadOptions(EndNode* task, const TaskOptions& options) noexcept;
  void NotAdmitted(EndNode* task) noexcept;
  // False if the limit of its group has a place for it, which it has then.
  bool MustWait(EndNode* task, Group* group) noexcept;
  // deferred: from the loop, for who has waited for its group's limit. An end or a cancellation
  // lets it in: so there is no recursion, nothing ends where somebody walks the tree, and a start
  // is cancelled, if it is to be, before its child comes.
  void Begin(EndNode* task, bool deferred = false) noexcept;
  Status StartTask(EndNode* task, Node* in, const Tail& tail, bool passes_limit) noexcept;
  // Its two halves: what can fail (then the task is gone), and what cannot.
  Status PrepareTask(EndNode* task, Node* in, const Tail& tail) noexcept;
  void Unprepare(EndNode* task, Node* in) noexcept;
  void AdmitTask(EndNode* task, Node* in, uint64_t* id_out, bool passes_limit) noexcept;
  // A child before it has started (child_start.cc).
  void BeginStart(StartNode* start) noexcept;
  void LeaveTarget(StartNode* start) noexcept;
  void ChildOfStartEnded(StartNode* start, const EndNode* child) noexcept;
  void CompleteStart(StartNode* start) noexcept;
  // Into another parent's list and books.
  static void Unlink(Node* node) noexcept;
  static void Relink(Node* node, Node* in) noexcept;

  // ---- cancellation (cancel.cc); lock held ----
  void Cancel(Node* node, Reason reason, uint64_t by, const char* text) noexcept;
  void SetShield(Node* node, bool shield) noexcept;
  // Its surroundings have changed: recomputes whether it and all below are cancelled.
  void UpdateEff(Node* node) noexcept;
  void SpreadBelow(Node* top) noexcept;
  // Why it is cancelled; for no reason given without memory.
  static void SetCause(Node* node, Reason reason, uint64_t by, const char* text) noexcept;
  // Starts the grace time of a cancelled group, if it has one.
  void ArmGrace(Group* group) noexcept;
  Status SetDeadline(Node* node, Nanos deadline) noexcept;
  // The error of a cancelled node, `status` kCancelled or kTimeout.
  static ErrorRef CancelError(const Node* node, Status status, Phase phase) noexcept;

  // ---- ends (commit.cc); lock held ----
  // Commits a task's result.
  void Commit(EndNode* task, End end) noexcept;
  void CommitKept(EndNode* task,
                  Phase phase = Phase::kNone) noexcept;  // its fields have the result
  void Stand(EndNode* task, Phase phase) noexcept;       // the same, but for its route
  void CommitCancelled(EndNode* task, Phase phase) noexcept;
  // For an operation that is cancelled before it began: true if it ends in its turn, as the loop
  // gets there.
  bool DropsInOrder(EndNode* task) noexcept;
  // One that did not end well: whose cancellation that was, and an error that says so.
  void GiveReason(EndNode* task, Phase phase) noexcept;
  // Its operation is destroyed later, on the loop, without the lock.
  void PutAside(OperationNode* task) noexcept;
  // Hands a committed node's final completion to its route.
  void RouteFinal(EndNode* node) noexcept;
  void KeepData(EndNode* node) noexcept;
  void Uncount(EndNode* node) noexcept;  // it no longer counts in its parent, owner and limit
  void Retire(EndNode* node) noexcept;   // its completion was delivered or thrown away: free it
  void EndId(EndNode* node) noexcept;
  static void Fill(const EndNode* node, Completion* completion) noexcept;
  // Between an End and the fields of a node.
  static void KeepEnd(EndNode* node, End&& end) noexcept;
  static End TakeEnd(EndNode* node) noexcept;
  void CountEnd(EndNode* child) noexcept;
  // As a failure, or a success that wins a race.
  void CountOtherEnd(EndNode* child, OwnerNode* owner) noexcept;
  void Settle() noexcept;
  void MaySettle(Node* node) noexcept;
  void MaySettleOwner(OwnerNode* owner) noexcept;
  void CountFailure(EndNode* child, OwnerNode* owner) noexcept;
  void Free(Node* node) noexcept;
  // To be released without the lock: handles, errors and memory that nobody is told of.
  void Discard(End&& end) noexcept;
  void DiscardEnd(EndNode* node) noexcept;
  // The errors that a node has kept: their cookies are the user's to free, so not under the lock.
  static bool KeepsErrors(const Node* node) noexcept;
  static void DropErrors(Node* node) noexcept;
  void DeleteNode(Node* node) noexcept;  // Free's last step

  // ---- groups, users' tasks, leases (group.cc, user_task.cc, lease.cc); lock held ----
  void FinishGroup(Group* group) noexcept;
  void LeaveNow(Node* scope, LeaveOutcome* outcome) noexcept;
  void KeepForJoin(Group* group) noexcept;
  static ErrorRef GroupError(const Group* group) noexcept;
  void HandOutGathered(Group* group, End* end) noexcept;
  void AdmitWaiting(Group* group) noexcept;
  void RemoveWaiting(EndNode* task) noexcept;
  // by_user: false where its function never ran or runs on, so that it could not clean up.
  Status FinishUser(UserNode* task, Status status, uint64_t value, ErrorRef error,
                    bool by_user = true) noexcept;
  void CompleteUser(UserNode* task) noexcept;
  UserNode* NewUser(NodeType type) noexcept {
    UserNode* task = users_pool_.New();
    if (task) task->type = type;
    return task;
  }
  // A task or scope without anything particular, by a short way (plain.h). False: it goes the
  // general one.
  bool IsPlainIn(const Group* group, const Tail& tail) const noexcept;
  bool SpawnPlain(Group* group, const Tail& tail, DoneFn body, void* body_user) noexcept;
  bool FinishPlain(UserNode* task, uint64_t value) noexcept;
  bool EndPlain(UserNode* task) noexcept;
  uint64_t OpenPlain(Node* around) noexcept;
  bool LeavePlain(Scope* scope) noexcept;
  void Notify(UserNode* task, Entry* entry, What what) noexcept;
  void CloseOpenScopes(EndNode* task, bool* misnested) noexcept;
  void AttachLease(Lease* lease, OwnerNode* owner) noexcept;
  void DetachLease(Lease* lease) noexcept;

  // ---- queues (queue.cc); lock held ----
  void Push(Queue* queue, Entry* entry) noexcept;
  void DiscardEntry(Entry* entry) noexcept;
  void TakeEntry(Entry* entry, Completion* completion) noexcept;
  void DropQueue(Queue* queue) noexcept;
  void UnrefQueue(Queue* queue) noexcept;
  void QueueMayEnd(Queue* queue) noexcept;

  // ---- tasks that wait (wait.cc); lock held ----
  Status AddWaitable(Waitable* waitable, const char* name) noexcept;
  void UnrefWaitable(Waitable* waitable) noexcept;
  void DropWaitables() noexcept;             // without the lock
  WaitNode* NewWait(Waitable* on) noexcept;  // null without memory; for StartTask
  void BeginWait(WaitNode* wait) noexcept;
  void CancelWait(WaitNode* wait) noexcept;
  void FailWait(WaitNode* wait, const ErrorRef& error) noexcept;
  void DropUnsent(WaitNode* wait) noexcept;
  void FreeWait(WaitNode* wait) noexcept;
  // Somebody is told of its end now, or nobody ever will be: what came to a receive is not the
  // channel's to take back any more.
  void TellWait(WaitNode* wait) noexcept;
  // It has got nothing after all: its end, which nobody was told of yet, becomes a cancellation.
  void Undo(WaitNode* wait) noexcept;
  void WakeOffload(Waiter* work) noexcept;  // its limiter has decided
  // ---- seeing it (hooks.cc) ----
  // With the lock held: what happened to a node, for the hooks. One branch without any.
  void Note(EventType type, const Node* node, Status status = Status::kOk) noexcept {
    if (trace_) NoteEvent(type, node, status);
  }
  void NoteLeak(const Node* node) noexcept {
    if (!node->left_open) return;
    counters_.leaked++;
    Note(EventType::kLeaked, node);
  }
  // Its texts live as long as the node. Null: a posted function.
  TraceEvent MakeEvent(EventType type, const Node* node) noexcept;
  // Without the lock, on the loop's thread where a callback could be called.
  void Tell() noexcept {
    if (trace_ && trace_->due()) trace_->Deliver();
  }
  // At the end of a section: whoever holds it may be in the middle of something, so the call of the
  // ABI tells, when it is through.
  [[gnu::noinline]] void LeaveEvents() noexcept {
    if (trace_->due() && !OnThread()) Trace::LeaveToMe(trace_.get());
  }

  // ---- loop work (dispatch.cc) ----
  void PushReady(Entry* entry) noexcept;
  void BeginYield(SleepNode* task) noexcept;
  void PushEffect(EndNode* node) noexcept;
  void RemoveEffect(EndNode* node) noexcept;
  void Poke() noexcept { poke_ = true; }
  // What was poked: the domain that must be woken, or null.
  Domain* HeardBy() noexcept {
    poke_ = false;
    return MustWake() ? domain_ : nullptr;
  }

  bool Ready() noexcept override;
  bool ReadyLocked() const noexcept;
  Nanos HowLong(Nanos timeout, Nanos next_timer) noexcept override;
  bool Dispatch(Nanos now) noexcept override;

  Group* root() noexcept { return &root_; }

  // ---- state, guarded by the lock ----
  Group root_{NodeType::kRoot};
  bool poke_ = false;   // something was added that the loop must look at
  bool ends_ = false;   // something has ended since the last turn
  bool ended_ = false;  // the last callback has returned
  bool joined_ = false;
  bool caller_runs_ = false;
  bool being_run_ = false;
  bool came_ = false;              // what is awaited
  const void* awaited_ = nullptr;  // by who turns the loop meanwhile: a group, a queue
  pthread_t turner_{};             // who has run a caller-run loop last, or opened it
  bool joining_ = false;
  Node* settle_ = nullptr;
  Group* spread_ = nullptr;  // groups whose pending starts must be looked at
  Entry* ready_first_ = nullptr;
  Entry* ready_last_ = nullptr;
  EndNode* effects_first_ = nullptr;
  EndNode* effects_last_ = nullptr;
  Deadlines deadlines_, sleeps_, graces_;
  Waits waits_;
  Nanos shutdown_at_ = kNever;
  Queue* queues_ = nullptr;
  Group* joinables_ = nullptr;  // ended, waiting for their join; linked by link_next and link_prev
  Resident* residents_ = nullptr;
  bool residents_noted_ = false;    // those left open were reported
  bool residents_closing_ = false;  // all were told to close, and the loop waits for them
  bool root_done_told_ = false;
  bool all_cancelled_ = false;  // CancelAll was called
  // Not 0: what is opened is looked at closely, for hooks, for groups that their tasks have
  // abandoned (each counts), or because CancelAll was called.
  uint32_t guarded_ = 0;
  std::vector<End> trash_;
  Node* with_errors_ = nullptr;           // nodes to be freed; their errors go without the lock
  Operation* dead_ = nullptr;             // completed; destroyed on the loop, without the lock
  int join_fd_ = -1;                      // an eventfd of the thread that joins
  std::unique_ptr<ContextHeld> context_;  // the loop's own
  const Node* calling_ = nullptr;       // the task whose callback runs now, or what it is a step of
  OwnerNode* calling_owner_ = nullptr;  // of the task whose callback runs now
  EndNode* follow_up_ = nullptr;        // the last that this callback put before the waiting ones
  struct Counters {
    uint64_t started = 0, ended = 0, completions = 0, cancelled = 0, unobserved = 0, posts = 0;
    uint64_t groups = 0, scopes = 0, leases = 0;
    uint64_t stalls = 0, leaked = 0;
  } counters_;
  uint64_t turns() const noexcept { return turns_.load(std::memory_order_relaxed); }
  std::unique_ptr<Workers> offload_workers_;
  uint64_t shuffle_ = 0;      // the state of the shuffle; 0: off
  uint32_t clock_holds_ = 0;  // of a virtual clock, offloaded functions that run included
  uint32_t world_ = 0;        // operations that run and wait for the world outside
  uint64_t heard_ = 0;        // the reactor's count when the world was last heard of
  Nanos silent_since_ = kNever;
  std::unique_ptr<Workers> limited_workers_;  // for functions that have a limiter of their own
  uint32_t waiters_ = 0;                      // threads that sleep on one of the queues
  Ref<Trace> trace_;                          // null: no hooks; set before anybody knows the loop
  std::unique_ptr<Watchdog> watchdog_;        // null: no stall reports; the same

  KeptPool<Scope> scopes_pool_;
  Pool<OperationNode> operations_pool_;
  Pool<SleepNode> sleeps_pool_;
  Pool<YieldEntry> yields_pool_;
  KeptPool<UserNode> users_pool_;
  Pool<Group> groups_pool_;
  Pool<StartNode> starts_pool_;
  Pool<PostEntry> posts_pool_;

 private:
  friend class Section;
  static void* ThreadMain(void* self);
  void EmptyTrashAfterEnd() noexcept;
  void NoteEvent(EventType type, const Node* node, Status status) noexcept;
  void NoteForgotten() noexcept;
  void NoteObjects() noexcept;
  void EnterCallback(const EndNode* node, What what, DoneFn fn) noexcept {
    if (watchdog_) watchdog_->Enter(node, what, fn);
  }
  void LeaveCallback() noexcept {
    if (watchdog_) watchdog_->Leave();
  }
  void Survivors(std::string* text) noexcept;
  bool ClockStandsStill() const noexcept;
  void ShuffleReady() noexcept;
  bool RunEffects(std::unique_lock<platform::Lock>& lock) noexcept;
  void RunEffect(EndNode* node, std::unique_lock<platform::Lock>& lock) noexcept;
  void RunOffload(UserNode* task, std::unique_lock<platform::Lock>& lock) noexcept;
  void FinishUnbegun(UserNode* task, Status status,
                     std::unique_lock<platform::Lock>& lock) noexcept;
  void Expire(Nanos now) noexcept;
  void NameStalled(Group* group) noexcept;
  void Call(Entry* entry, std::unique_lock<platform::Lock>& lock) noexcept;
  void CallOther(Entry* entry, std::unique_lock<platform::Lock>& lock) noexcept;
  Entry* EndYield(YieldEntry* place) noexcept;
  void CallPost(PostEntry* post, std::unique_lock<platform::Lock>& lock) noexcept;
  void CallFinal(EndNode* node, OwnerNode* owner, std::unique_lock<platform::Lock>& lock) noexcept;
  void CallMore(MoreEntry* more, std::unique_lock<platform::Lock>& lock) noexcept;
  void CallNotice(UserNode* task, Entry* notice, std::unique_lock<platform::Lock>& lock) noexcept;
  void EmptyTrash(std::unique_lock<platform::Lock>& lock) noexcept;
  bool TryEnd(std::unique_lock<platform::Lock>& lock) noexcept;
  void TakeInterrupts() noexcept;

  pthread_t thread_{};
  bool has_thread_ = false;
};

// A section of code that holds a tree's lock. Its end settles what has become empty, unlocks, and
// wakes the loop if there is something for it.
class Section {
 public:
  // By a handle; check ok() first.
  [[gnu::always_inline]] Section(uint64_t id, uint32_t kinds) noexcept : locked_(id, kinds) {
    if (!locked_.ok()) return;
    tree_ = static_cast<Tree*>(locked_.domain()->owner);
    if (!tree_) __builtin_unreachable();  // whoever has live handles of these kinds is there
  }
  explicit Section(Tree& tree) noexcept : locked_(tree.domain()), tree_(&tree) {}
  [[gnu::always_inline]] ~Section() { Leave(); }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;
  bool ok() const noexcept { return tree_ != nullptr; }
  Status status() const noexcept { return locked_.status(); }
  Tree* tree() const noexcept { return tree_; }
  Node* node() const noexcept { return locked_.As<Node>(); }
  template <class T>
  T* As() const noexcept {
    return locked_.As<T>();
  }
  [[gnu::always_inline]] void Leave() noexcept {
    Tree* const tree = std::exchange(tree_, nullptr);
    if (!tree) [[unlikely]]
      return;
    if (tree->settle_) tree->Settle();
    Domain* const asleep = tree->poke_ ? tree->HeardBy() : nullptr;
    if (tree->trace_) tree->LeaveEvents();
    locked_.Unlock();
    if (asleep) asleep->Wake();  // the tree may be gone by now; its domain lives for ever
  }

 private:
  Locked locked_;
  Tree* tree_ = nullptr;
};

}  // namespace creche::tasks

#include "tasks/passage.h"
