// The loop's part of a turn: deadlines, effects (starting and cancelling operations), callbacks.
#include <algorithm>
#include <mutex>

#include "platform/user_code.h"
#include "tasks/fast_path.h"
#include "tasks/waitable/rate.h"

namespace creche::tasks {

void Tree::PushEffect(EndNode* node) noexcept {
  if (effects_.Push(node)) RequestWake();
}

bool Tree::Ready() noexcept {
  std::lock_guard guard(domain_->lock);
  return ReadyLocked();
}

bool Tree::ReadyLocked() const noexcept {
  return runner_.came || !ready_.empty() || !effects_.empty() || !trash_.empty() || life_.ended ||
         (root_.ending && root_.pending == 0 && !residents_.closing());
}

void Tree::TakeInterrupts() noexcept {
  if (!domain_->interrupted.exchange(false)) return;
  for (auto& place : domain_->interrupts) {
    const uint64_t id = place.exchange(0);
    Status status;
    if (id == 0) continue;
    if (void* found = FindHere(domain_, id, kScopeKinds, &status))
      if (!IsOver(static_cast<Node*>(found)))
        Cancel(static_cast<Node*>(found), Reason::kInterrupt, id, nullptr);
  }
}

// With the lock held.
void Tree::Expire(Nanos now) noexcept {
  TakeInterrupts();
  while (Deadline* expired = timers_.expiries.PopExpired(now)) {
    Node* node = static_cast<Node*>(static_cast<Expiry*>(expired));
    Cancel(node, Reason::kDeadline, node->id, nullptr);
  }
  if (timers_.shutdown_at <= now) {
    timers_.shutdown_at = kNever;
    CancelAll();
  }
  while (Deadline* expired = timers_.graces.PopExpired(now))
    NameStalled(static_cast<Group*>(static_cast<Grace*>(expired)));
  while (Deadline* expired = timers_.alarms.PopExpired(now))
    CommitStored(static_cast<SleepNode*>(static_cast<Alarm*>(expired)));
  while (Deadline* expired = timers_.paces.PopExpired(now))
    static_cast<Rate*>(static_cast<Pace*>(expired))->Serve(now);
}

void Tree::NameStalled(Group* group) noexcept {
  for (Node* node = group->first_child(); node;) {
    if (IsFinishedByUser(node)) {
      auto* task = static_cast<UserNode*>(node);
      // Whom a shield protects was not asked to stop.
      if (task->begun && task->cancelled && !task->ending) {
        Notify(task, task->stalled(), What::kStalled);
        Note(EventType::kStalled, task);
      }
    }
    Node* next = node->first_child();
    if (!next) {
      while (node != group && !node->next) node = node->parent;
      next = node == group ? nullptr : node->next;
    }
    node = next;
  }
}

bool Tree::RunEffects(TreeLock& lock) noexcept {
  if (effects_.empty()) return false;
  while (EndNode* node = effects_.Pop()) {
    RunEffect(node, lock);
    if (!settling_.empty()) Settle();
  }
  stamp_ = platform::MonotonicNow();
  return true;
}

void Tree::RunEffect(EndNode* node, TreeLock& lock) noexcept {
  const NodeOps& ops = OpsOf(node);
  if (node->give_back)
    GiveBackLeases(static_cast<OwnerNode*>(node), lock);
  else if (ops.effect)
    ops.effect(*this, node, lock);
  else
    Begin(node);  // its group's limit has let it in
}

bool Tree::Dispatch(Nanos now) noexcept {
  TreeLock lock(domain_->lock);
  Expire(now);
  if (!settling_.empty()) Settle();
  bool did = RunEffects(lock);
  if (shuffle_ != 0) ready_.Shuffle(&shuffle_);
  Nanos since = stamp_, longest = 0;
  unsigned called = 0;
  // One batch: what becomes ready meanwhile waits for the next turn, after I/O.
  for (Entry *last = ready_.last(), *entry = nullptr; last && entry != last;) {
    entry = ready_.Pop();
    Call(entry, lock);
    if (!settling_.empty()) Settle();
    // The clock is read for up to so many callbacks at once: all but a long one take no time.
    constexpr unsigned kAtOnce = 16;
    if (++called % kAtOnce != 0 && entry != last) continue;
    stamp_ = platform::MonotonicNow();
    longest = std::max(longest, stamp_ - since);
    since = stamp_;
  }
  if (called > 0) lag_.callbacks.Add(longest);
  did |= called > 0;
  did |= RunEffects(lock);
  EmptyTrash(lock);
  if (root_.ending && root_.pending == 0) did |= TryEnd(lock);
  did |= std::exchange(made_progress_, false);
  wake_requested_ = false;  // it will look again before it sleeps
  lock.unlock();
  DeliverEvents();
  return did;
}

// Of no task, or perhaps of none any more. A function of its own, so that Call has less to save.
[[gnu::noinline]] void Tree::CallOther(Entry* entry, TreeLock& lock) noexcept {
  if (entry->entry_type == EntryType::kPost) return CallPost(static_cast<PostEntry*>(entry), lock);
  if (Entry* end = EndYield(static_cast<YieldEntry*>(entry))) Call(end, lock);
}

void Tree::Call(Entry* entry, TreeLock& lock) noexcept {
  if (entry->entry_type >= EntryType::kPost) return CallOther(entry, lock);
  counters_.completions++;
  EndNode* node = NodeOf(entry);
  OwnerNode* owner = node->owner();
  calling_.owner = owner;
  calling_.task = entry->entry_type == EntryType::kNotice ? node : static_cast<Node*>(owner);
  calling_.follow_up = nullptr;
  switch (entry->entry_type) {
    case EntryType::kNotice:
      CallNotice(static_cast<UserNode*>(node), entry, lock);
      break;
    case EntryType::kFinal:
      CallFinal(node, owner, lock);
      break;
    default:
      CallMore(static_cast<MoreEntry*>(entry), lock);
      break;
  }
  calling_.owner = nullptr;
  calling_.task = nullptr;
}

void Tree::CallPost(PostEntry* post, TreeLock& lock) noexcept {
  counters_.completions++;
  if (Queue* queue = post->queue) {
    queue->accepted--;
    Push(queue, post);
    EndQueueIfDone(queue);
    return UnrefQueue(queue);
  }
  Completion c{};
  c.kind = static_cast<uint32_t>(post->what);
  c.user = post->user;
  c.value = post->value;
  const DoneFn fn = post->fn;
  observers_.EnterCallback(nullptr, post->what, fn);
  pools_.posts.Delete(post);
  lock.unlock();
  DeliverEvents();
  platform::CallUser(fn, c.user, &c);
  lock.lock();
  observers_.LeaveCallback();
}

void Tree::CallFinal(EndNode* node, OwnerNode* owner, TreeLock& lock) noexcept {
  Completion c;
  Fill(node, &c);
  if (node->is_wait()) static_cast<WaitNode*>(node)->NoteTold();
  EndId(node);
  if (node->parent != owner) {
    // In its bare scope it no longer counts, so that its callback may leave the scope.
    node->parent->branch()->live--;
    if (node->parent->leaving) QueueSettle(node->parent);
    node->parent = owner;
    owner->below.live++;
    // Before the callback, which may leave a scope around the one that goes now.
    if (!settling_.empty()) Settle();
  }
  {
    // Its error and data live until the callback has returned.
    const ErrorRef error = std::move(node->error);
    std::unique_ptr<Held> held;
    if (ResultNode* result = ResultOf(node)) held = std::move(result->held);
    observers_.EnterCallback(node, node->what, node->done);
    lock.unlock();
    DeliverEvents();
    if (node->route == Route::kListener)
      static_cast<UserNode*>(node)->listener->BodyEnded(
          {.status = node->status, .value = static_cast<UserNode*>(node)->value, .error = error});
    else
      platform::CallUser(node->done, node->user, &c);
  }
  lock.lock();
  observers_.LeaveCallback();
  if (node->is_root()) return;
  Uncount(node);
  Retire(node);
}

void Tree::CallMore(MoreEntry* more, TreeLock& lock) noexcept {
  const EndNode* node = more->node;
  Completion c{};
  c.flags = kMore | (more->outcome.owned ? kOwned : 0u);
  c.user = node->user;
  c.task = node->id;
  c.kind = static_cast<uint32_t>(more->what);
  c.status = static_cast<int32_t>(more->outcome.status);
  c.code = more->outcome.code;
  c.value = more->outcome.value;
  c.data = more->outcome.data;
  c.data_size = more->outcome.size;
  c.error = more->outcome.error ? &more->outcome.error->fields() : nullptr;
  observers_.EnterCallback(node, more->what, node->done);
  lock.unlock();
  DeliverEvents();
  platform::CallUser(node->done, node->user, &c);
  delete more;
  lock.lock();
  observers_.LeaveCallback();
}

void Tree::CallNotice(UserNode* task, Entry* notice, TreeLock& lock) noexcept {
  // It holds its task open since it was listed, whatever the callback does.
  const What what = notice->what;
  const bool begin = what == What::kBegin;
  notice->listed = false;
  if (begin) {
    task->begun = true;
    Note(EventType::kStarted, task);
  }
  if (begin || !task->ending) {
    const bool external = task->type == NodeType::kExternal;
    const DoneFn fn = external ? task->done : task->body_fn;
    Completion c{};
    c.kind = static_cast<uint32_t>(what);
    c.flags = kMore;
    c.value = begin ? task->begin_value : 0;
    c.user = external ? task->user : task->body_user;
    c.task = task->id;
    ErrorRef why;
    if (what == What::kCancel) why = CancelError(task, Status::kCancelled, Phase::kTask);
    if (why) c.error = &why->fields();
    observers_.EnterCallback(task, what, fn);
    lock.unlock();
    DeliverEvents();
    platform::CallUser(fn, c.user, &c);
    lock.lock();
    observers_.LeaveCallback();
    // One that a cancellation has let past its group's limit hears of that, also if a shield went
    // up meanwhile.
    if (begin && (task->cancelled || task->waited) && !task->ending)
      Notify(task, task->cancel(), What::kCancel);
  }
  task->pending--;
  if (task->pending == 0 && task->ending && EndFast(task)) return;
  QueueSettleIfIdle(task);
}

void Tree::EmptyTrash(TreeLock& lock) noexcept {
  while (!trash_.empty()) {
    Trash taken(std::move(trash_));
    lock.unlock();
    taken.Destroy();
    lock.lock();
    taken.FreeNodes([this](Node* node) { Destroy(node); });
  }
}

}  // namespace creche::tasks
