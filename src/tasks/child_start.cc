// creche_task_start: Trio's nursery.start. A child is begun by a task of its starter's (the start),
// and moves to its target group when it says that it has started. Until then it is the start's only
// child, cancelled with either side.

#include "tasks/tree.h"

namespace creche::tasks {

Status StartChild(uint64_t target, const StartArgs& args, const StartArgs& child, DoneFn body,
                  void* body_user) noexcept {
  if (args.task) *args.task = 0;
  NewContext context(args.in, child.options ? child.options->context : nullptr);
  if (!context.ok()) return Status::kNoMemory;
  Section section(args.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  Node* in = section.node();
  if (Status status = Tree::Admits(in); status != Status::kOk) return status;
  Status status = Status::kOk;
  auto* node = static_cast<Node*>(FindHere(tree->domain(), target, Bit(Kind::kGroup), &status));
  if (!node) return status;
  auto* group = static_cast<Group*>(node);
  if ((status = Tree::Admits(group)) != Status::kOk) return status;
  if (!body) {  // external: it must be told to begin
    const bool has_queue = QueueBelow(group) || (child.options && child.options->queue != 0);
    if (child.route == Route::kToGroup || child.route == Route::kNobody ||
        (child.route == Route::kDefault && !has_queue))
      return Status::kInvalid;
  }
  StartNode* start = tree->pools_.starts.New();
  UserNode* task = start ? tree->NewUser(body ? NodeType::kUser : NodeType::kExternal) : nullptr;
  if (!task) {
    if (start) tree->Free(start);
    return Status::kNoMemory;
  }
  task->body_fn = body;
  task->body_user = body_user;
  if ((status = tree->PrepareTask(start, in, args)) != Status::kOk) {
    tree->Free(task);
    return status;
  }
  // The child's way out is that of its target; its deadline counts from this call.
  if ((status = tree->PrepareTask(task, group, child)) != Status::kOk) {
    tree->Unprepare(start, in);
    return status;
  }
  context.GiveTo(task);
  start->child = task;
  start->target = group;
  start->neutral = OwnerIn(in) == group;  // that of its child counts
  group->starts.PushFront(start);
  group->below.pending++;
  tree->AdmitTask(start, in, args.task, false);
  return Status::kOk;
}

Status TaskStarted(uint64_t id, uint64_t value) noexcept {
  Section section(id, Bit(Kind::kTask));
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  Node* node = section.node();
  // In a start there is nothing but its child.
  if (!IsFinishedByUser(node) || !node->parent->is_start()) return Status::kState;
  auto* child = static_cast<UserNode*>(node);
  auto* start = static_cast<StartNode*>(node->parent);
  if (!child->begun || child->ending || start->said) return Status::kState;
  start->said = true;
  start->said_value = value;
  // The starter is being cancelled, and with it the child: it stays, and hears so here.
  if (start->cancel_called || (!start->shield && start->parent->cancelled))
    return Status::kCancelled;
  Group* group = start->target;
  Tree::Unlink(child);
  start->below.live--;
  start->below.pending--;
  tree->Relink(child, group);
  if (group->limit != 0) {  // it does not wait for a place, but takes one
    child->counted = true;
    group->running++;
  }
  if (group->until_released && child->route == Route::kDefault) child->holds_place = true;
  tree->UpdateCancelled(child);
  start->child = nullptr;
  tree->LeaveTarget(start);
  End end;
  end.value = value;
  tree->Commit(start, std::move(end));
  return Status::kOk;
}

}  // namespace creche::tasks
