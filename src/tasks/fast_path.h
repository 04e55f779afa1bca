// The fast path of plain tasks and scopes. Tasks: those that a program spawns by the hundred
// thousand, with a function in a group and nothing else. What the general way (start.cc,
// user_task.cc, commit.cc) would look at and find empty is known to be so, by a few tests at the
// beginning and at the end; whatever else happens to a task meanwhile, it ends the general way.
// Lock held. Each is called in one place, and inlined there.
#pragma once
#include "tasks/tree.h"

namespace creche::tasks {

[[gnu::always_inline]] inline bool Tree::IsFastIn(const Group* group,
                                                  const StartArgs& args) const noexcept {
  return !args.options && !observers_.trace && !group->cancelled && group->limit == 0 &&
         group->policy != Policy::kRace && !QueueBelow(group) &&
         (args.route == Route::kNobody || args.route == Route::kFunction);
}

// False: memory must be asked for.
[[gnu::always_inline]] inline bool Tree::SpawnFast(Group* group, const StartArgs& args, DoneFn body,
                                                   void* body_user) noexcept {
  if (domain_->first_free == 0) return false;
  UserNode* task = pools_.users.Kept();
  if (!task) return false;
  task->type = NodeType::kUser;
  task->id = AddSlot(domain_, Kind::kTask, static_cast<Node*>(task));
  task->fast = true;
  task->state = State::kRunning;
  task->route = args.route;
  task->done = args.done;
  task->user = args.user;
  task->started = stamp();
  task->parent = group;
  group->below.Append(task);
  group->below.pending++;
  counters_.started++;
  if (args.task) *args.task = task->id;
  task->body_fn = body;
  task->body_user = body_user;
  Entry* begin = static_cast<EndNode*>(task);
  begin->entry_type = EntryType::kBegin;
  begin->what = What::kBegin;
  begin->listed = true;
  task->below.pending = 1;  // until it was called
  PushReady(begin);
  return true;
}

// With nothing to be said but a value. False: there is more to it.
[[gnu::always_inline]] inline bool Tree::FinishFast(UserNode* task, uint64_t value) noexcept {
  if (task->type == NodeType::kOffload || !task->begun || task->ending || task->first_child() ||
      task->body)
    return false;
  task->ending = true;
  task->reached = false;
  task->value = value;
  QueueSettleIfIdle(task);
  return true;
}

// One that has finished and has nothing left in it.
[[gnu::always_inline]] inline bool Tree::EndFast(UserNode* task) noexcept {
  if (!task->fast || !task->untouched() || task->status != Status::kOk || task->cause ||
      task->expiry()->armed())
    return false;
  auto* group = static_cast<Group*>(task->parent);
  made_progress_ = true;
  group->below.Remove(task);
  counters_.ended++;
  if (task->route == Route::kFunction) {
    task->state = State::kCommitted;
    PushReady(static_cast<EndNode*>(task));
    return true;
  }
  group->below.live--;
  group->below.pending--;
  QueueSettleIfIdle(group);
  EndSlot(domain_, task->id);
  task->state = State::kNew;
  task->ending = task->begun = task->fast = task->was_cancelled = false;
  task->value = 0;
  task->body_fn = nullptr;
  pools_.users.PutBack(task);
  return true;
}

// A bare scope without options, where nothing is cancelled and memory is at hand. 0: not this way.
[[gnu::always_inline]] inline uint64_t Tree::OpenScopeFast(Node* around) noexcept {
  if (guarded_ != 0 || around->cancelled || domain_->first_free == 0 ||
      Admits(around) != Status::kOk)
    return 0;
  Scope* scope = pools_.scopes.Kept();
  if (!scope) return 0;
  scope->id = AddSlot(domain_, Kind::kScope, static_cast<Node*>(scope));
  scope->outside = OwnerIn(around);
  if ((scope->queue = QueueBelow(around))) scope->queue->refs++;
  Relink(scope, around);
  counters_.scopes++;
  return scope->id;
}

// An empty bare scope that nothing has happened to; the same.
[[gnu::always_inline]] inline bool Tree::LeaveScopeFast(Scope* scope) noexcept {
  if (!scope->untouched() || scope->below.live != 0 || scope->cause || scope->queue ||
      scope->label || observers_.trace)
    return false;
  if (scope->expiry()->armed()) timers_.expiries.Disarm(scope->expiry());
  Node* parent = scope->parent;
  Branch* around = parent->branch();
  around->Remove(scope);
  around->live--;
  OwnerNode* owner = scope->outside;
  owner->below.pending--;
  if (parent != owner && parent->leaving) QueueSettle(parent);
  QueueSettleIfIdle(owner);
  counters_.scopes--;
  EndSlot(domain_, scope->id);
  scope->deadline = kNever;
  pools_.scopes.PutBack(scope);
  return true;
}

}  // namespace creche::tasks
