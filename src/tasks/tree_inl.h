// The inline part of Tree: what every task passes on its way in and on its way out. Spawning and
// ending an empty one costs about a hundred nanoseconds, and calls of functions would be half of
// that. Rarer ways branch off to start.cc, commit.cc and queue.cc. Lock held.
#pragma once
#include "tasks/tree.h"

namespace creche::tasks {

// ---- in ----

inline Status Tree::Admits(const Node* in) noexcept {
  if (in->is_scope()) {
    if (in->leaving) return Status::kClosed;
    in = static_cast<const Scope*>(in)->outside;
  }
  if (in->is_group())
    return static_cast<const Group*>(in)->state == State::kCommitted ? Status::kClosed
                                                                     : Status::kOk;
  if (IsUsers(in) || in->is_root())
    return static_cast<const OwnerNode*>(in)->ending ? Status::kClosed : Status::kOk;
  return Status::kState;
}

inline Status Tree::AdmitsOpen(const Node* in) const noexcept {
  const Status status = Admits(in);
  return status == Status::kOk && guarded_ != 0 && !IsAttended(in) ? Status::kClosed : status;
}

inline Status Tree::SetRoute(EndNode* node, Node* in, const StartArgs& args) noexcept {
  Queue* queue = QueueBelow(in);
  node->route = args.route;
  node->done = args.done;
  node->user = args.user;
  const bool function = args.route == Route::kFunction || args.route == Route::kNobody;
  if (!function || queue || args.options) return SetOtherRoute(node, in, args, queue);
  return Status::kOk;
}

inline void Tree::Relink(Node* node, Node* in) noexcept {
  node->parent = in;
  in->branch()->Append(node);
  OwnerIn(in)->below.pending++;
}

inline void Tree::Link(Node* node, Node* in, bool shield) noexcept {
  node->shield = shield;
  Relink(node, in);
  if (!shield && in->cancelled) {
    node->cancelled = true;
    node->cause = in->cause;
  } else if (node->is_start()) {
    UpdateCancelled(node);  // its target may be cancelled
  }
}

inline Status Tree::PrepareTask(EndNode* task, Node* in, const StartArgs& args) noexcept {
  task->id = AddSlot(domain_, Kind::kTask, static_cast<Node*>(task));
  Status status = task->id == 0 ? Status::kNoMemory : Status::kOk;
  if (args.options && status == Status::kOk) status = ReadOptions(task, *args.options);
  if (status == Status::kOk) status = SetRoute(task, in, args);
  if (status != Status::kOk) NotAdmitted(task);
  return status;
}

inline void Tree::AdmitTask(EndNode* task, Node* in, uint64_t* id_out, bool passes_limit) noexcept {
  task->started = stamp();
  Link(task, in, task->shield);
  counters_.started++;
  Note(EventType::kSpawned, task);
  if (task->deadline != kNever) StartDeadline(task);
  task->was_cancelled = task->cancelled;
  if (id_out) *id_out = task->id;
  OwnerNode* owner = task->owner();
  if (owner->is_group()) {
    auto* group = static_cast<Group*>(owner);
    if (group->until_released && task->route == Route::kDefault) task->holds_place = true;
    if (group->limit != 0 && !passes_limit && !AcquireOrWait(task, group)) return;
  }
  Begin(task);
}

inline Status Tree::StartTask(EndNode* task, Node* in, const StartArgs& args,
                              bool passes_limit) noexcept {
  if (Status status = PrepareTask(task, in, args); status != Status::kOk) return status;
  AdmitTask(task, in, args.task, passes_limit);
  return Status::kOk;
}

inline void Tree::PushReady(Entry* entry) noexcept {
  ready_.Push(entry);
  RequestWake();
}

// ---- out ----

inline void Tree::Unlink(Node* node) noexcept {
  node->parent->branch()->Remove(node);
}

inline void Tree::QueueSettle(Node* node) noexcept {
  settling_.Push(node);
}

inline void Tree::QueueSettleIfIdle(OwnerNode* owner) noexcept {
  if (owner->ending && owner->below.pending == owner->leases) QueueSettle(owner);
}

inline void Tree::Uncount(EndNode* node) noexcept {
  Node* parent = node->parent;
  OwnerNode* owner = node->owner();
  parent->branch()->live--;
  if (parent != owner && parent->leaving) QueueSettle(parent);
  owner->below.pending--;
  if (node->counted) {
    auto* group = static_cast<Group*>(owner);
    group->running--;
    AdmitWaiting(group);
  }
  QueueSettleIfIdle(owner);
}

inline void Tree::DiscardEnd(EndNode* node) noexcept {
  const Details* details = DetailsOf(node);
  if (node->error || (node->flags & kOwned) || (details && details->held)) Discard(TakeEnd(node));
}

inline void Tree::EndId(EndNode* node) noexcept {
  if (node->id_ended || node->is_root()) return;  // a loop's ends with its join
  if (node->is_group()) {
    auto* group = static_cast<Group*>(node);
    if (group->joinable && !group->joined) return;
  }
  node->id_ended = true;
  EndSlot(domain_, node->id);
}

inline void Tree::Retire(EndNode* node) noexcept {
  if (node->is_group()) {
    auto* group = static_cast<Group*>(node);
    group->delivered = true;
    if (group->joinable && !group->joined) return;
  }
  EndId(node);
  Free(node);
}

inline void Tree::CountEnd(EndNode* child) noexcept {
  OwnerNode* owner = child->owner();
  const bool race = owner->is_group() && static_cast<Group*>(owner)->policy == Policy::kRace;
  if (child->status != Status::kOk || owner->is_start() || race) CountOtherEnd(child, owner);
}

}  // namespace creche::tasks
