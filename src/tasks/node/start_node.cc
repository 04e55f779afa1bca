// A child before it has started: begun, and what becomes of the start when it ends.
#include "tasks/node/start_node.h"

#include <utility>

#include "tasks/tree.h"

namespace creche::tasks {

void StartNode::Begin(Tree& tree, EndNode* node) noexcept {
  auto* start = static_cast<StartNode*>(node);
  start->state = State::kRunning;
  UserNode* child = start->child;
  // Let past the limit by a cancellation: that reaches the child, too, also if a shield went up
  // since.
  child->waited = start->waited && !child->shield;
  tree.AdmitTask(child, start, nullptr, true);
  if (!child->waited || child->was_cancelled) return;
  child->was_cancelled = true;
  child->cause = start->cause;
}

void Tree::LeaveTarget(StartNode* start) noexcept {
  Group* group = std::exchange(start->target, nullptr);
  group->starts.Remove(start);
  group->below.pending--;
  QueueSettle(group);
}

// The child ended before it was moved: the start ends as it did, once that was delivered.
void Tree::ChildOfStartEnded(StartNode* start, const EndNode* child) noexcept {
  start->ending = true;
  start->elsewhere = child->flags & kCaught;
  start->result.status = child->status;
  start->result.error = child->error;
  if (child->status == Status::kOk && !start->said) {
    start->result.status = Status::kNotStarted;
    start->result.error =
        MakeError(Status::kNotStarted, Phase::kTask,
                  "the task finished without creche_task_started; call it once the task is ready");
  }
}

void StartNode::Emptied(Tree& tree, OwnerNode* node) noexcept {
  auto* start = static_cast<StartNode*>(node);
  if (start->target->cancelled) start->elsewhere = true;
  tree.LeaveTarget(start);
  End end;
  end.status = start->result.status;
  end.error = std::move(start->result.error);
  if (end.status == Status::kOk) end.value = start->said_value;
  tree.Commit(start, std::move(end));
}

void StartNode::Destroy(Tree& tree, Node* node) noexcept {
  tree.pools_.starts.Delete(static_cast<StartNode*>(node));
}

Doing StartNode::Describe(const Node*) noexcept {
  return {"running", "creche_task_started"};
}

}  // namespace creche::tasks
