// The loop's part of a turn: deadlines, effects (starting and cancelling operations), callbacks
// (callbacks.cc).
#include <mutex>

#include "tasks/tree.h"
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
         (root_.ending && root_.below.pending == 0 && !residents_.closing());
}

void Tree::TakeInterrupts() noexcept {
  std::atomic<bool>& interrupted = domain_->interrupted;
  if (!interrupted.load(std::memory_order_relaxed) || !interrupted.exchange(false)) return;
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
  did |= RunCallbacks(now, lock);
  if (root_.ending && root_.below.pending == 0) did |= TryEnd(lock);
  did |= std::exchange(made_progress_, false);
  wake_requested_ = false;  // it will look again before it sleeps
  lock.unlock();
  DeliverEvents();
  return did;
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
