// Tree: a loop and the tree of scopes, groups and tasks that lives on it.
//
// One lock (that of the loop's domain) guards the whole tree, so that every verdict (admitted,
// cancelled, left, finished) is made in the calling thread and stands when the call returns; only
// effects wait for the loop: starting and cancelling operations, callbacks. The lock is held for
// short sections without system calls and never while code of the user or of a protocol runs.
//
// The parts own their data (ready_list.h, effect_list.h, ...); what differs by kind of node is with
// the nodes (node/). Here is what ties them: admission, cancellation, ends, and the loop's turn.
#pragma once
#include <string>

#include "core/loop.h"
#include "tasks/api.h"
#include "tasks/clock_gate.h"
#include "tasks/effect_list.h"
#include "tasks/node_pools.h"
#include "tasks/observers.h"
#include "tasks/queue.h"
#include "tasks/ready_list.h"
#include "tasks/residents.h"
#include "tasks/runner.h"
#include "tasks/settle_list.h"
#include "tasks/trash.h"
#include "tasks/waitable/waitable.h"

namespace creche::tasks {

// Loops share no line of cache.
class alignas(64) Tree final : public Loop {
 public:
  Tree();
  ~Tree() override;

  // ---- life (tree.cc, run.cc) ----
  static Status Open(const LoopOptions& options, uint64_t* id, int* system_errno) noexcept;
  void TurnUntilEnded() noexcept;
  // For a blocking call on the thread that runs a caller-run loop, which would wait for itself: it
  // turns the loop until `object` has come (lock held). False: others run it, it waits for them.
  bool BeginAwait(const void* object) noexcept;
  // One turn (without the lock), and the end of that. 0, ETIMEDOUT or EINTR.
  int AwaitTurn(Nanos until) noexcept;
  // Lock held: something has happened to an object that may be awaited.
  void NotifyAwaited(const void* object) noexcept {
    if (object != runner_.awaited) return;
    runner_.came = true;
    RequestWake();
  }
  using Loop::LookFirst;
  using Loop::SleepElsewhere;
  using Loop::Turn;
  bool HasEnded() noexcept;
  // Waits for the end and takes everything down. survivors: what is alive at a timeout.
  Status Join(Nanos timeout, std::string* survivors) noexcept;
  using Loop::CloseCore;  // called by the last that sees a joined loop's domain
  // With the lock held:
  void BeginClose() noexcept;
  void BeginShutdown(Nanos grace) noexcept;
  void CancelAll() noexcept;  // reason: shutdown; closes what is open outside of tasks
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
  Status SetRoute(EndNode* node, Node* in, const StartArgs& args) noexcept;
  // Links an admitted node into the tree and counts it. No failure from here on.
  void Link(Node* node, Node* in, bool shield) noexcept;
  // Of a new node: what can fail of it (false without memory), and what cannot.
  bool PrepareDeadline(Node* node, Nanos timeout, Nanos deadline) noexcept;
  void StartDeadline(Node* node) noexcept;
  // What is not just a function to be called; the queue is the one to be inherited.
  Status SetOtherRoute(EndNode* node, Node* in, const StartArgs& args, Queue* queue) noexcept;
  Status ReadOptions(EndNode* task, const TaskOptions& options) noexcept;
  void NotAdmitted(EndNode* task) noexcept;
  // A place of its group's limit; or it joins the line for one (false).
  bool AcquireOrWait(EndNode* task, Group* group) noexcept;
  void AdmitWaiting(Group* group) noexcept;
  void RemoveWaiting(EndNode* task) noexcept;
  // deferred: from the loop, for who has waited for its group's limit. An end or a cancellation
  // lets it in: so there is no recursion, nothing ends where somebody walks the tree, and a start
  // is cancelled, if it is to be, before its child comes.
  void Begin(EndNode* task, bool deferred = false) noexcept;
  // The loop begins it, as an effect.
  void BeginOnLoop(EndNode* task) noexcept;
  Status StartTask(EndNode* task, Node* in, const StartArgs& args, bool passes_limit) noexcept;
  // Its two halves: what can fail (then the task is gone), and what cannot.
  Status PrepareTask(EndNode* task, Node* in, const StartArgs& args) noexcept;
  void Unprepare(EndNode* task, Node* in) noexcept;
  void AdmitTask(EndNode* task, Node* in, uint64_t* id_out, bool passes_limit) noexcept;
  // A child before it has started (node/start_node.cc).
  void LeaveTarget(StartNode* start) noexcept;
  void ChildOfStartEnded(StartNode* start, const EndNode* child) noexcept;
  // Into another parent's list and books.
  static void Unlink(Node* node) noexcept;
  static void Relink(Node* node, Node* in) noexcept;

  // ---- cancellation (cancel.cc); lock held ----
  void Cancel(Node* node, Reason reason, uint64_t by, const char* text) noexcept;
  void SetShield(Node* node, bool shield) noexcept;
  // Its surroundings have changed: recomputes whether it and all below are cancelled.
  void UpdateCancelled(Node* node) noexcept;
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
  // The same, of one whose fields have the result.
  void CommitStored(EndNode* task, Phase phase = Phase::kNone) noexcept;
  // The same, and nobody is told yet: DeliverEnd follows.
  void CommitSilently(EndNode* task, Phase phase) noexcept;
  void CommitCancelled(EndNode* task, Phase phase) noexcept;
  // One that did not end well: whose cancellation that was, and an error that says so.
  void GiveReason(EndNode* task, Phase phase) noexcept;
  // Hands a committed node's final completion to its route.
  void DeliverEnd(EndNode* node) noexcept;
  void KeepData(EndNode* node) noexcept;
  void Uncount(EndNode* node) noexcept;  // it no longer counts in its parent, owner and limit
  void Retire(EndNode* node) noexcept;   // its completion was delivered or thrown away: free it
  void EndId(EndNode* node) noexcept;
  static void Fill(const EndNode* node, Completion* completion) noexcept;
  // Between an End and the fields of a node.
  static void StoreEnd(EndNode* node, End&& end) noexcept;
  static End TakeEnd(EndNode* node) noexcept;
  void CountEnd(EndNode* child) noexcept;
  // As a failure, or a success that wins a race.
  void CountOtherEnd(EndNode* child, OwnerNode* owner) noexcept;
  // What may have nothing left in it is looked at when the section ends.
  void Settle() noexcept;
  void QueueSettle(Node* node) noexcept;
  void QueueSettleIfIdle(OwnerNode* owner) noexcept;
  void Free(Node* node) noexcept;
  // To be released without the lock: handles, errors and memory that nobody is told of.
  void Discard(End&& end) noexcept;
  void DiscardEnd(EndNode* node) noexcept;
  void Destroy(Node* node) noexcept;  // Free's last step

  // ---- groups, users' tasks, leases (node/, scope.cc, lease.cc); lock held ----
  void FinishGroup(Group* group) noexcept;
  void KeepForJoin(Group* group) noexcept;
  void LeaveNow(Node* scope, LeaveOutcome* outcome) noexcept;
  // by_user: false where its function never ran or runs on, so that it could not clean up.
  Status FinishUser(UserNode* task, Status status, uint64_t value, ErrorRef error,
                    bool by_user = true) noexcept;
  UserNode* NewUser(NodeType type) noexcept {
    UserNode* task = pools_.users.New();
    if (task) task->type = type;
    return task;
  }
  void Notify(UserNode* task, Entry* entry, What what) noexcept;
  void CloseOpenScopes(EndNode* task, bool* misnested) noexcept;
  void WakeOffload(Waiter* work) noexcept;  // its limiter has decided
  void AttachLease(Lease* lease, OwnerNode* owner) noexcept;
  void DetachLease(Lease* lease) noexcept;
  void GiveBackLeases(OwnerNode* owner, TreeLock& lock) noexcept;

  // ---- a task or scope without anything particular, by a short way (fast_path.h); lock held ----
  // False: it goes the general one.
  bool IsFastIn(const Group* group, const StartArgs& args) const noexcept;
  bool SpawnFast(Group* group, const StartArgs& args, DoneFn body, void* body_user) noexcept;
  bool FinishFast(UserNode* task, uint64_t value) noexcept;
  bool EndFast(UserNode* task) noexcept;
  uint64_t OpenScopeFast(Node* around) noexcept;
  bool LeaveScopeFast(Scope* scope) noexcept;

  // ---- queues (queue.cc); lock held ----
  void Push(Queue* queue, Entry* entry) noexcept;
  void DiscardEntry(Entry* entry) noexcept;
  void TakeEntry(Entry* entry, Completion* completion) noexcept;
  void DropQueue(Queue* queue) noexcept;
  void UnrefQueue(Queue* queue) noexcept;
  void EndQueueIfDone(Queue* queue) noexcept;

  // ---- what tasks wait on (waitable/waitable.cc) ----
  Status AddWaitable(Waitable* waitable, const char* name) noexcept;  // lock held
  void DropWaitables() noexcept;                                      // without the lock

  // ---- seeing it (hooks.cc) ----
  // With the lock held: what happened to a node, for the hooks. One branch without any.
  void Note(EventType type, const Node* node, Status status = Status::kOk) noexcept {
    if (observers_.trace) NoteEvent(type, node, status);
  }
  void NoteLeak(const Node* node) noexcept {
    if (!node->left_open) return;
    counters_.leaked++;
    Note(EventType::kLeaked, node);
    if (debugs())
      Report(LogEvent::kNotClosed, node, "was left open: nobody closed it before the end", nullptr);
  }
  // Debug mode: tells what a program does wrong about a node (log.cc).
  bool debugs() const noexcept { return observers_.trace && observers_.trace->debugs(); }
  void Report(LogEvent event, const Node* node, const char* message, const char* status) noexcept;
  void ReportNowhere(const EndNode* node) noexcept;
  // Its texts live as long as the node. Null: a posted function.
  TraceEvent MakeEvent(EventType type, const Node* node) noexcept;
  // Without the lock, on the loop's thread where a callback could be called.
  void DeliverEvents() noexcept {
    if (observers_.trace && observers_.trace->due()) observers_.trace->Deliver();
  }
  // At the end of a section: whoever holds it may be in the middle of something, so the call of the
  // ABI tells, when it is through.
  [[gnu::noinline]] void LeaveEvents() noexcept {
    if (observers_.trace->due() && !OnThread()) Trace::LeaveToMe(observers_.trace.get());
  }

  // ---- the loop's turn (dispatch.cc) ----
  void PushReady(Entry* entry) noexcept;
  void PushEffect(EndNode* node) noexcept;
  // Something was added that the loop must look at.
  void RequestWake() noexcept { wake_requested_ = true; }
  // At the end of a section: the domain that must be woken for that, or null.
  Domain* TakeWake() noexcept {
    wake_requested_ = false;
    return MustWake() ? domain_ : nullptr;
  }
  bool Ready() noexcept override;
  bool ReadyLocked() const noexcept;
  Nanos HowLong(Nanos timeout, Nanos next_timer) noexcept override;
  bool Dispatch(Nanos now) noexcept override;
  uint64_t turns() const noexcept { return turns_.load(std::memory_order_relaxed); }

  Group* root() noexcept { return &root_; }

  // ---- its parts, guarded by the lock ----
  Group root_{NodeType::kRoot};
  SettleList settling_;
  ReadyList ready_;
  EffectList effects_;
  bool wake_requested_ = false;
  bool made_progress_ = false;  // something has ended since the last turn
  // Not 0: what is opened is looked at closely, for hooks, for groups that their tasks have
  // abandoned (each counts), or because CancelAll was called.
  uint32_t guarded_ = 0;
  Group* spread_ = nullptr;  // groups whose pending starts must be looked at
  NodePools pools_;
  Timers timers_;
  Trash trash_;
  Queues queues_;
  Waitables waitables_;
  Residents residents_;
  List<EndNode> joinables_;  // groups that have ended and wait for their join
  Observers observers_;
  Runner runner_;
  ClockGate clock_gate_;
  // The callback that runs now.
  struct {
    const Node* task = nullptr;    // whose it is, or what that is a step of
    OwnerNode* owner = nullptr;    // of that task
    EndNode* follow_up = nullptr;  // the last that it put before those that wait for the limit
  } calling_;
  struct {
    bool all_cancelled = false;    // CancelAll was called
    bool residents_noted = false;  // those left open were reported
    bool root_done_told = false;
    bool ended = false;  // the last callback has returned
    bool joined = false;
  } life_;
  struct Counters {
    uint64_t started = 0, ended = 0, completions = 0, cancelled = 0, unobserved = 0, posts = 0;
    uint64_t groups = 0, scopes = 0, leases = 0;
    uint64_t stalls = 0, leaked = 0;
  } counters_;
  std::unique_ptr<ContextHeld> context_;  // the loop's own
  struct {
    std::unique_ptr<Workers> shared;   // of all functions without a limiter of their own
    std::unique_ptr<Workers> limited;  // of the others
  } workers_;

 private:
  friend class Section;
  static void* ThreadMain(void* self);
  void EmptyTrashAfterEnd() noexcept;
  void NoteEvent(EventType type, const Node* node, Status status) noexcept;
  void NoteForgotten() noexcept;
  void NoteObjects() noexcept;
  void Survivors(std::string* text) noexcept;
  bool ClockStandsStill() const noexcept;
  bool RunEffects(TreeLock& lock) noexcept;
  void RunEffect(EndNode* node, TreeLock& lock) noexcept;
  void Expire(Nanos now) noexcept;
  void NameStalled(Group* group) noexcept;
  bool RunCallbacks(Nanos now, TreeLock& lock) noexcept;
  bool MayGoOn(Nanos now, unsigned rounds) const noexcept;
  bool IsForNextTurn(const Entry* entry) const noexcept;
  void Call(Entry* entry, TreeLock& lock) noexcept;
  void CallOther(Entry* entry, TreeLock& lock) noexcept;
  Entry* EndYield(YieldEntry* place) noexcept;
  void CallPost(PostEntry* post, TreeLock& lock) noexcept;
  void CallFinal(EndNode* node, OwnerNode* owner, TreeLock& lock) noexcept;
  void CallMore(MoreEntry* more, TreeLock& lock) noexcept;
  void CallBegin(UserNode* task, TreeLock& lock) noexcept;
  void CallNotice(UserNode* task, Entry* notice, TreeLock& lock) noexcept;
  void TellOfCancel(UserNode* begun) noexcept;
  void EmptyTrash(TreeLock& lock) noexcept;
  bool TryEnd(TreeLock& lock) noexcept;
  void TakeInterrupts() noexcept;
};

}  // namespace creche::tasks

#include "tasks/section.h"
#include "tasks/tree_inl.h"
