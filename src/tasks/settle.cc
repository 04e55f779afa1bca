// What has nothing left in it ends; what is over is freed, or thrown away without the lock.
#include <cstdlib>
#include <new>

#include "tasks/tree.h"

namespace creche::tasks {

void Tree::Settle() noexcept {
  while (Node* node = settling_.Pop()) {
    if (node->is_scope()) {
      if (node->leaving && node->branch()->live == 0) LeaveNow(node, nullptr);
      continue;
    }
    auto* owner = static_cast<OwnerNode*>(node);
    if (!owner->ending || owner->state == State::kCommitted) continue;
    if (owner->below.pending == 0) {
      OpsOf(owner).emptied(*this, owner);
    } else if (owner->below.pending == owner->leases && (owner->cancelled || IsUsers(owner))) {
      // Only leases are left: their owner is cancelled, or is a task that has finished.
      owner->give_back = true;
      PushEffect(owner);
    }
  }
}

void Tree::LeaveNow(Node* scope, LeaveOutcome* outcome) noexcept {
  const bool visible = !scope->shield && scope->parent->cancelled;
  const bool caught = scope->cancel_called && !visible && scope->reached;
  LeaveOutcome o;
  o.reason = ReasonOf(scope);
  if (caught) {
    o.flags = kCaught;
    if (scope->called_by == Reason::kDeadline && !scope->move_on) {
      o.status = Status::kTimeout;
      o.reason = Reason::kDeadline;
    }
  } else if (scope->reached) {
    o.flags = kPassing;
    o.status = Status::kCancelled;
    scope->parent->reached = true;
  }
  if (outcome) *outcome = o;
  Note(EventType::kEnded, scope, o.status);
  NoteLeak(scope);
  timers_.expiries.Disarm(scope->expiry());
  Unlink(scope);
  EndSlot(domain_, scope->id);
  Node* parent = scope->parent;
  OwnerNode* owner = scope->owner();
  parent->branch()->live--;
  owner->below.pending--;
  if (parent != owner && parent->leaving) QueueSettle(parent);
  if (owner->ending && owner->below.pending == owner->leases) QueueSettle(owner);
  counters_.scopes--;
  Free(scope);
}

void Tree::Discard(End&& end) noexcept {
  if (!(end.flags & kOwned) && !end.error && !end.held) return;
  try {
    trash_.Add(std::move(end));
    RequestWake();
  } catch (const std::bad_alloc&) {
    // It cannot wait for a moment without the lock. Releasing a handle only needs a leaf lock; an
    // error's cookie may be freed here, under it. A token stays a lease of its owner.
    if (end.flags & kOwned && KindOf(end.value) != Kind::kToken) ReleaseObject(end.value);
  }
}

void Tree::Free(Node* node) noexcept {
  if (node->queue) {
    UnrefQueue(node->queue);
    node->queue = nullptr;
  }
  if (node->label) free(node->label);
  const NodeOps& ops = OpsOf(node);
  if (ops.release) ops.release(*this, node);
  if (!ops.keeps_errors || !ops.keeps_errors(node)) return Destroy(node);
  trash_.Add(node);
  RequestWake();
}

void Tree::Destroy(Node* node) noexcept {
  if (const auto destroy = OpsOf(node).destroy) destroy(*this, node);  // the root is the tree's
}

}  // namespace creche::tasks
