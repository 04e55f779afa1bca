// Ends: results are committed, counted, routed; what has become empty is settled.
#include <cstdlib>

#include "tasks/hold.h"
#include "tasks/tree.h"

namespace creche::tasks {

namespace {

bool IsFailure(Status status) {
  return status != Status::kOk && status != Status::kCancelled;
}

}  // namespace

void Tree::CommitCancelled(EndNode* task, Phase phase) noexcept {
  task->status = Status::kCancelled;
  CommitKept(task, phase);
}

bool Tree::DropsInOrder(EndNode* task) noexcept {
  auto* node = static_cast<OperationNode*>(task);
  if (!node->operation->KeepsOrder()) return false;
  task->state = State::kStarting;
  node->dropped = true;
  return true;
}

void Tree::Commit(EndNode* task, End end) noexcept {
  Phase phase = Phase::kNone;
  if (end.status == Status::kCancelled) phase = static_cast<Phase>(std::exchange(end.code, 0));
  KeepEnd(task, std::move(end));
  CommitKept(task, phase);
}

void Tree::CommitKept(EndNode* task, Phase phase) noexcept {
  Stand(task, phase);
  RouteFinal(task);
}

void Tree::Stand(EndNode* task, Phase phase) noexcept {
  task->state = State::kCommitted;
  ends_ = true;
  if (task->in_effects) RemoveEffect(task);
  deadlines_.Disarm(task->expiry());
  if (task->type == NodeType::kSleep) {
    auto* sleep = static_cast<SleepNode*>(task);
    sleeps_.Disarm(static_cast<Alarm*>(sleep));
    if (task->yields) sleep->place->node = nullptr;
    task->yields = false;
  }
  if (task->status != Status::kOk) GiveReason(task, phase);
  Unlink(task);
  CountEnd(task);
  if (task->type == NodeType::kOperation) PutAside(static_cast<OperationNode*>(task));
  counters_.ended++;
  Note(EventType::kEnded, task, task->status);
}

void Tree::GiveReason(EndNode* task, Phase phase) noexcept {
  if (task->status == Status::kCancelled) {
    const bool visible = !task->shield && task->parent->eff;
    // One that finished as cancelled has cancelled its steps, not itself. A start whose child was
    // cancelled alone or with its target has told its starter so: nothing around the starter has to
    // catch that.
    const bool own = task->called && task->called_by != Reason::kFinished;
    const bool elsewhere =
        task->type == NodeType::kStart && static_cast<StartNode*>(task)->elsewhere;
    if ((own || elsewhere) && !visible) {
      task->flags |= kCaught;
      if (own && task->called_by == Reason::kDeadline && !task->move_on) {
        task->status = Status::kTimeout;
        // That of its child was only cancelled.
        if (task->type == NodeType::kStart) task->error = nullptr;
      }
    } else {
      task->parent->reached = true;
      task->flags |= kPassing;
    }
    if (!task->error) task->error = CancelError(task, task->status, phase);
    if (task->status == Status::kCancelled) counters_.cancelled++;
  } else if (!task->error) {
    task->error = MakeError(task->status, Phase::kTask, StatusName(task->status));
  }
}

void Tree::PutAside(OperationNode* task) noexcept {
  if (task->world) world_--;
  task->world = false;
  if (task->rests) task->owner()->leases--;
  task->rests = false;
  Operation* operation = task->operation.release();
  if (!operation) return;
  operation->node_ = nullptr;
  operation->next_dead_ = dead_;
  dead_ = operation;
  Poke();
}

void Tree::CountOtherEnd(EndNode* child, OwnerNode* owner) noexcept {
  if (owner->type == NodeType::kStart)
    return ChildOfStartEnded(static_cast<StartNode*>(owner), child);
  if (IsFailure(child->status)) return CountFailure(child, owner);
  if (child->status != Status::kOk || owner->type != NodeType::kGroup || child->neutral) return;
  auto* group = static_cast<Group*>(owner);
  if (group->policy != Policy::kRace || group->won) return;
  group->won = true;
  Cancel(group, Reason::kRace, child->id, nullptr);
}

void Tree::CountFailure(EndNode* child, OwnerNode* owner) noexcept {
  switch (owner->type) {
    case NodeType::kRoot:
      if (child->route == Route::kNobody) counters_.unobserved++;
      return;
    case NodeType::kGroup: {
      auto* group = static_cast<Group*>(owner);
      if (group->policy == Policy::kCollect) return;
      if (group->errors.size() < group->max_errors) {
        try {
          group->errors.push_back(child->error);
        } catch (const std::bad_alloc&) {
          group->errors_dropped++;
        }
      } else {
        group->errors_dropped++;
      }
      if (group->policy == Policy::kFailFast) Cancel(group, Reason::kSibling, child->id, nullptr);
      return;
    }
    case NodeType::kUser:
    case NodeType::kExternal:
    case NodeType::kOffload: {
      // A step's failure is its starter's to handle, unless nobody is told of it.
      if (child->route != Route::kNobody) return;
      auto* task = static_cast<UserNode*>(owner);
      if (!task->failed_step) task->failed_step = child->error;
      Cancel(task, Reason::kSibling, child->id, nullptr);
      return;
    }
    default:
      return;
  }
}

void Tree::RouteFinal(EndNode* node) noexcept {
  switch (node->route) {
    case Route::kFunction:
    case Route::kListener:
      return PushReady(node);
    case Route::kDefault: {
      EndId(node);
      // Its id has just made room for the seat's.
      if (node->type == NodeType::kWait && static_cast<WaitNode*>(node)->receives)
        node->seat = AddSlot(domain_, Kind::kCame, static_cast<WaitNode*>(node));
      else if (node->seated && (node->seat = AddSlot(domain_, Kind::kSeat, node)) == 0)
        node->seated = false;
      KeepData(node);
      Queue* queue = node->queue;
      queue->accepted--;
      if (!node->seated) Uncount(node);
      queue->refs++;  // a released queue goes with its last node
      Push(queue, node);
      QueueMayEnd(queue);
      return UnrefQueue(queue);
    }
    case Route::kToGroup: {
      // The child of a start that has never moved is told of in the group that it was meant for.
      OwnerNode* owner = node->owner();
      auto* group = owner->type == NodeType::kStart ? static_cast<StartNode*>(owner)->target
                                                    : static_cast<Group*>(owner);
      KeepData(node);
      Completion& c = group->gathered->completions[node->gather_index];
      Fill(node, &c);
      if (node->error) static_cast<void>(node->error.Leak());
      if (const ResultNode* result = ResultOf(node)) c.hold = result->hold;
      break;
    }
    case Route::kNobody:
      DiscardEnd(node);
      break;
  }
  Uncount(node);
  Retire(node);
}

// What the data of a result points into gets a handle; without memory the result is lost, and says
// so.
void Tree::KeepData(EndNode* node) noexcept {
  ResultNode* result = ResultOf(node);
  if (!result || !result->held || (result->hold = KeepHeld(result->held)) != 0) return;
  Discard(TakeEnd(node));
  KeepEnd(node, {.status = Status::kNoMemory, .error = NoMemoryError()});
}

void Tree::KeepEnd(EndNode* node, End&& end) noexcept {
  node->status = end.status;
  node->flags = end.flags;
  node->error = std::move(end.error);
  ResultNode* result = ResultOf(node);
  if (!result) return;
  result->code = end.code;
  result->value = end.value;
  result->data = end.data;
  result->size = end.size;
  result->held = std::move(end.held);
}

End Tree::TakeEnd(EndNode* node) noexcept {
  End end;
  end.status = node->status;
  end.flags = node->flags;
  end.error = std::move(node->error);
  ResultNode* result = ResultOf(node);
  if (!result) return end;
  end.code = result->code;
  end.value = result->value;
  end.data = result->data;
  end.size = result->size;
  end.held = std::move(result->held);
  return end;
}

void Tree::Fill(const EndNode* node, Completion* c) noexcept {
  *c = {};
  c->status = static_cast<int32_t>(node->status);
  c->kind = static_cast<uint32_t>(node->what);
  c->flags = node->flags;
  c->error = node->error ? &node->error->fields() : nullptr;
  c->user = node->user;
  c->task = node->id;
  const ResultNode* result = ResultOf(node);
  if (!result) return;
  c->code = result->code;
  c->value = result->value;
  c->data = result->data;
  c->data_size = result->size;
}

void Tree::Settle() noexcept {
  while (Node* node = settle_) {
    settle_ = node->branch()->settle_next;
    node->settling = false;
    if (node->type == NodeType::kScope) {
      if (node->leaving && node->branch()->live == 0) LeaveNow(node, nullptr);
      continue;
    }
    auto* owner = static_cast<OwnerNode*>(node);
    if (!owner->ending || owner->state == State::kCommitted) continue;
    if (owner->pending == 0) {
      if (owner->type == NodeType::kRoot)
        Poke();
      else if (owner->type == NodeType::kGroup)
        FinishGroup(static_cast<Group*>(owner));
      else if (owner->type == NodeType::kStart)
        CompleteStart(static_cast<StartNode*>(owner));
      else
        CompleteUser(static_cast<UserNode*>(owner));
    } else if (owner->pending == owner->leases && (owner->eff || IsUsers(owner))) {
      // Only leases are left: their owner is cancelled, or is a task that has finished.
      owner->give_back = true;
      PushEffect(owner);
    }
  }
}

void Tree::LeaveNow(Node* scope, LeaveOutcome* outcome) noexcept {
  const bool visible = !scope->shield && scope->parent->eff;
  const bool caught = scope->called && !visible && scope->reached;
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
  deadlines_.Disarm(scope->expiry());
  Unlink(scope);
  EndSlot(domain_, scope->id);
  Node* parent = scope->parent;
  OwnerNode* owner = scope->owner();
  parent->branch()->live--;
  owner->pending--;
  if (parent != owner && parent->leaving) MaySettle(parent);
  if (owner->ending && owner->pending == owner->leases) MaySettle(owner);
  counters_.scopes--;
  Free(scope);
}

void Tree::Discard(End&& end) noexcept {
  if (!(end.flags & kOwned) && !end.error && !end.held) return;
  try {
    trash_.push_back(std::move(end));
    Poke();
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
  if (node->type == NodeType::kOperation)
    PutAside(static_cast<OperationNode*>(node));  // if it was never admitted
  if (IsUsers(node))
    if (auto& context = static_cast<UserNode*>(node)->context)
      Discard({.held = std::move(context)});
  if (!KeepsErrors(node)) return DeleteNode(node);
  node->next = with_errors_;
  with_errors_ = node;
  Poke();
}

bool Tree::KeepsErrors(const Node* node) noexcept {
  if (node->type == NodeType::kGroup) {
    const auto* group = static_cast<const Group*>(node);
    return !group->errors.empty() || group->outcome_error;
  }
  if (IsUsers(node)) return static_cast<bool>(static_cast<const UserNode*>(node)->failed_step);
  return node->type == NodeType::kOperation && static_cast<const OperationNode*>(node)->answer;
}

void Tree::DropErrors(Node* node) noexcept {
  if (node->type == NodeType::kGroup) {
    static_cast<Group*>(node)->errors.clear();
    static_cast<Group*>(node)->outcome_error = nullptr;
  } else if (IsUsers(node)) {
    static_cast<UserNode*>(node)->failed_step = nullptr;
  } else {
    static_cast<OperationNode*>(node)->answer.reset();
  }
}

void Tree::DeleteNode(Node* node) noexcept {
  switch (node->type) {
    case NodeType::kRoot:
      return;
    case NodeType::kScope:
      return scopes_pool_.Delete(static_cast<Scope*>(node));
    case NodeType::kGroup:
      return groups_pool_.Delete(static_cast<Group*>(node));
    case NodeType::kOperation:
      return operations_pool_.Delete(static_cast<OperationNode*>(node));
    case NodeType::kStart:
      return starts_pool_.Delete(static_cast<StartNode*>(node));
    case NodeType::kWait:
      return FreeWait(static_cast<WaitNode*>(node));
    case NodeType::kSleep:
      return sleeps_pool_.Delete(static_cast<SleepNode*>(node));
    case NodeType::kUser:
    case NodeType::kExternal:
    case NodeType::kOffload:
      return users_pool_.Delete(static_cast<UserNode*>(node));
  }
}

}  // namespace creche::tasks
