// Admission: what may be started where, how it is linked and counted, and how tasks begin.
#include <new>

#include "tasks/label.h"
#include "tasks/tree.h"

namespace creche::tasks {

Status Tree::SetOtherRoute(EndNode* node, Node* in, const Tail& tail, Queue* queue) noexcept {
  if (const uint64_t named = tail.options ? tail.options->queue : 0) {
    Status status = Status::kOk;
    queue = static_cast<Queue*>(FindHere(domain_, named, Bit(Kind::kQueue), &status));
    if (!queue) return status;
  }
  if (tail.route == Route::kToGroup) {
    OwnerNode* owner = OwnerIn(in);
    if (owner->type != NodeType::kGroup) return Status::kInvalid;
    auto* group = static_cast<Group*>(owner);
    try {
      if (!group->gathered) group->gathered = std::make_unique<Gathered>();
      node->gather_index = static_cast<uint32_t>(group->gathered->completions.size());
      group->gathered->completions.push_back({});
    } catch (const std::bad_alloc&) {
      return Status::kNoMemory;
    }
  } else if (tail.route == Route::kDefault) {
    if (!queue)
      node->route = Route::kNobody;
    else if (queue->closed)
      return Status::kClosed;
  }
  if (queue) {
    node->queue = queue;
    queue->refs++;
    if (node->route == Route::kDefault) queue->accepted++;
  }
  return Status::kOk;
}

Status Tree::ReadOptions(EndNode* task, const TaskOptions& options) noexcept {
  task->move_on = options.move_on;
  task->shield = options.shield;
  return MakeLabel(&task->label, options.name, options.site) &&
                 PrepareDeadline(task, options.timeout, options.deadline)
             ? Status::kOk
             : Status::kNoMemory;
}

// What a task that lives has opened, it closes. Below one that has finished, what it left open is
// closed when it does, and when everything is cancelled, all that is outside of tasks: what would
// be opened there afterwards nobody would close.
bool Tree::IsAttended(const Node* in) const noexcept {
  const OwnerNode* owner =
      in->is_scope() ? static_cast<const Scope*>(in)->outside : static_cast<const OwnerNode*>(in);
  if (owner->type == NodeType::kGroup && static_cast<const Group*>(owner)->abandoned) return false;
  if (!all_cancelled_) return true;
  while (owner && !(IsUsers(owner) && !owner->ending)) owner = owner->owner();
  return owner != nullptr;
}

void Tree::NotAdmitted(EndNode* task) noexcept {
  if (task->id != 0) EndSlot(domain_, task->id);
  Free(task);
}

bool Tree::MustWait(EndNode* task, Group* group) noexcept {
  if (group->running < group->limit || task->eff) {
    task->counted = true;
    group->running++;
    return false;
  }
  task->state = State::kWaiting;
  // What a child's callback starts goes before those that wait already.
  EndNode* after = group->last_waiting;
  if (calling_owner_ == group && OnThread()) {
    after = follow_up_;
    follow_up_ = task;
  }
  task->link_prev = after;
  task->link_next = after ? after->link_next : group->first_waiting;
  (after ? after->link_next : group->first_waiting) = task;
  (task->link_next ? task->link_next->link_prev : group->last_waiting) = task;
  return true;
}

bool Tree::PrepareDeadline(Node* node, Nanos timeout, Nanos deadline) noexcept {
  if (timeout != kNever) {
    node->deadline = After(now(), timeout);
    node->due = timeout <= 0;
  } else if (deadline != kNever) {
    node->deadline = deadline;
    node->due = deadline <= now();
  }
  if (node->deadline == kNever || node->due) return true;
  try {
    deadlines_.Reserve();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Tree::StartDeadline(Node* node) noexcept {
  if (node->due) return Cancel(node, Reason::kDeadline, node->id, nullptr);
  deadlines_.Arm(node->expiry(), node->deadline);
  if (deadlines_.next() == node->deadline) Poke();
}

void Tree::Unprepare(EndNode* task, Node* in) noexcept {
  // Its place is the last.
  if (task->route == Route::kToGroup)
    static_cast<Group*>(OwnerIn(in))->gathered->completions.pop_back();
  if (task->route == Route::kDefault) {
    task->queue->accepted--;
    QueueMayEnd(task->queue);
  }
  NotAdmitted(task);
}

void Tree::RemoveWaiting(EndNode* task) noexcept {
  auto* group = static_cast<Group*>(task->owner());
  (task->link_prev ? task->link_prev->link_next : group->first_waiting) = task->link_next;
  (task->link_next ? task->link_next->link_prev : group->last_waiting) = task->link_prev;
  if (follow_up_ == task) follow_up_ = task->link_prev;
  task->link_next = task->link_prev = nullptr;
  task->state = State::kNew;
  task->counted = true;
  group->running++;
}

void Tree::AdmitWaiting(Group* group) noexcept {
  while (group->first_waiting && group->running < group->limit) {
    EndNode* task = group->first_waiting;
    RemoveWaiting(task);
    Begin(task, true);
  }
}

void Tree::Begin(EndNode* task, bool deferred) noexcept {
  if (deferred && task->type != NodeType::kUser && task->type != NodeType::kExternal) {
    task->state = State::kStarting;
    return PushEffect(task);
  }
  switch (task->type) {
    case NodeType::kWait:
      return BeginWait(static_cast<WaitNode*>(task));
    case NodeType::kOperation:
      if (task->eff) {
        if (DropsInOrder(task)) return PushEffect(task);
        CommitCancelled(task, task->waited ? Phase::kLimit : Phase::kNone);
        break;
      }
      [[fallthrough]];
    case NodeType::kOffload:
      task->state = State::kStarting;
      task->tell_cancel = task->eff;
      PushEffect(task);
      break;
    case NodeType::kSleep: {
      auto* sleep = static_cast<SleepNode*>(task);
      task->state = State::kRunning;
      Note(EventType::kStarted, task);
      if (task->eff) {
        CommitCancelled(task, task->waited ? Phase::kLimit : Phase::kNone);
        break;
      }
      if (sleep->wake == INT64_MIN) return BeginYield(sleep);
      try {
        sleeps_.Arm(static_cast<Alarm*>(sleep), sleep->wake);
        if (sleeps_.next() == sleep->wake) Poke();
      } catch (const std::bad_alloc&) {
        Commit(task, {.status = Status::kNoMemory, .error = NoMemoryError()});
      }
      break;
    }
    case NodeType::kUser:
    case NodeType::kExternal: {
      auto* user = static_cast<UserNode*>(task);
      task->state = State::kRunning;
      Notify(user, user->begin(), What::kBegin);
      break;
    }
    case NodeType::kStart:
      return BeginStart(static_cast<StartNode*>(task));
    case NodeType::kRoot:
    case NodeType::kScope:
    case NodeType::kGroup:
      break;
  }
}

Status StartOperation(Loop& loop, const Tail& tail, std::unique_ptr<Operation> operation) noexcept {
  if (tail.task) *tail.task = 0;
  Section section(tail.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (tree != &loop) return Status::kWrongLoop;
  if (Status status = Tree::Admits(section.node()); status != Status::kOk) return status;
  OperationNode* node = tree->operations_pool_.New();
  if (!node) return Status::kNoMemory;
  const bool passes = operation->PassesLimit();
  operation->node_ = node;
  operation->tree_ = tree;
  node->operation = std::move(operation);
  // On failure Free puts the operation aside: it is destroyed on the loop, without a lock.
  return tree->StartTask(node, section.node(), tail, passes);
}

}  // namespace creche::tasks
