// Admission: what may be started where, how it is linked and counted, and how tasks begin.
#include <new>

#include "tasks/label.h"
#include "tasks/tree.h"

namespace creche::tasks {

Status Tree::SetOtherRoute(EndNode* node, Node* in, const StartArgs& args, Queue* queue) noexcept {
  if (const uint64_t named = args.options ? args.options->queue : 0) {
    Status status = Status::kOk;
    queue = static_cast<Queue*>(FindHere(domain_, named, Bit(Kind::kQueue), &status));
    if (!queue) return status;
  }
  if (args.route == Route::kToGroup) {
    OwnerNode* owner = OwnerIn(in);
    if (!owner->is_group()) return Status::kInvalid;
    auto* group = static_cast<Group*>(owner);
    try {
      if (!group->gathered) group->gathered = std::make_unique<Gathered>();
      node->gather_index = static_cast<uint32_t>(group->gathered->completions.size());
      group->gathered->completions.push_back({});
    } catch (const std::bad_alloc&) {
      return Status::kNoMemory;
    }
  } else if (args.route == Route::kDefault) {
    if (!queue) {
      node->route = Route::kNobody;
      if (debugs()) ReportNowhere(node);
    } else if (queue->closed) {
      return Status::kClosed;
    }
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
  if (owner->is_group() && static_cast<const Group*>(owner)->abandoned) return false;
  if (!life_.all_cancelled) return true;
  while (owner && !(IsUsers(owner) && !owner->ending)) owner = owner->owner();
  return owner != nullptr;
}

void Tree::NotAdmitted(EndNode* task) noexcept {
  if (task->id != 0) EndSlot(domain_, task->id);
  Free(task);
}

bool Tree::AcquireOrWait(EndNode* task, Group* group) noexcept {
  if (group->running < group->limit || task->cancelled) {
    task->counted = true;
    group->running++;
    return true;
  }
  task->state = State::kWaiting;
  // What a child's callback starts goes before those that wait already, in the order of its starts.
  List<EndNode>& waiting = group->waiting;
  EndNode* before = nullptr;
  if (calling_.owner == group && OnThread()) {
    before = calling_.follow_up ? waiting.Next(calling_.follow_up) : waiting.first();
    calling_.follow_up = task;
  }
  if (before)
    waiting.InsertBefore(before, task);
  else
    waiting.PushBack(task);
  return false;
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
    timers_.expiries.Reserve();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Tree::StartDeadline(Node* node) noexcept {
  if (node->due) return Cancel(node, Reason::kDeadline, node->id, nullptr);
  timers_.expiries.Arm(node->expiry(), node->deadline);
  if (timers_.expiries.next() == node->deadline) RequestWake();
}

void Tree::Unprepare(EndNode* task, Node* in) noexcept {
  // Its place is the last.
  if (task->route == Route::kToGroup)
    static_cast<Group*>(OwnerIn(in))->gathered->completions.pop_back();
  if (task->route == Route::kDefault) {
    task->queue->accepted--;
    EndQueueIfDone(task->queue);
  }
  NotAdmitted(task);
}

void Tree::RemoveWaiting(EndNode* task) noexcept {
  auto* group = static_cast<Group*>(task->owner());
  if (calling_.follow_up == task) calling_.follow_up = group->waiting.Prev(task);
  group->waiting.Remove(task);
  task->state = State::kNew;
  task->counted = true;
  group->running++;
}

void Tree::AdmitWaiting(Group* group) noexcept {
  while (!group->waiting.empty() && group->running < group->limit) {
    EndNode* task = group->waiting.first();
    RemoveWaiting(task);
    Begin(task, true);
  }
}

void Tree::Begin(EndNode* task, bool deferred) noexcept {
  if (!deferred || IsFinishedByUser(task)) return OpsOf(task).begin(*this, task);
  task->state = State::kStarting;
  PushEffect(task);
}

void Tree::BeginOnLoop(EndNode* task) noexcept {
  task->state = State::kStarting;
  task->tell_cancel = task->cancelled;
  PushEffect(task);
}

Status StartOperation(Loop& loop, const StartArgs& args,
                      std::unique_ptr<Operation> operation) noexcept {
  if (args.task) *args.task = 0;
  Section section(args.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (tree != &loop) return Status::kWrongLoop;
  if (Status status = Tree::Admits(section.node()); status != Status::kOk) return status;
  OperationNode* node = tree->pools_.operations.New();
  if (!node) return Status::kNoMemory;
  const bool passes = operation->PassesLimit();
  operation->node_ = node;
  operation->tree_ = tree;
  node->operation = std::move(operation);
  // On failure Free puts the operation aside: it is destroyed on the loop, without a lock.
  return tree->StartTask(node, section.node(), args, passes);
}

Status StartInLoop(Loop& loop, std::unique_ptr<Operation> operation) noexcept {
  StartArgs args;
  args.in = static_cast<Tree&>(loop).root()->id;
  args.route = Route::kNobody;
  return StartOperation(loop, args, std::move(operation));
}

}  // namespace creche::tasks
