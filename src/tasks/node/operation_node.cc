// The task of an operation: when the loop calls the operation, and when that is destroyed.
#include "tasks/node/operation_node.h"

#include <utility>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// Cancelled before it began: true if it ends in its turn, as the loop gets there.
bool DropInOrder(OperationNode* task) noexcept {
  if (!task->operation->KeepsOrder()) return false;
  task->state = State::kStarting;
  task->dropped = true;
  return true;
}

void Start(Tree& tree, OperationNode* task, TreeLock& lock) noexcept {
  Operation* operation = task->operation.get();
  task->state = State::kRunning;
  const bool dropped = task->dropped;
  if ((task->world = operation->WaitsForWorld())) tree.clock_gate_.world++;
  if (!dropped) tree.Note(EventType::kStarted, task);
  lock.unlock();
  if (dropped)
    operation->Drop();
  else
    operation->Start();
  lock.lock();
}

void TellOfCancel(OperationNode* task, TreeLock& lock) noexcept {
  Operation* operation = task->operation.get();
  task->told = true;
  std::unique_ptr<Answer> unheard = std::move(task->answer);
  task->asked = false;
  lock.unlock();
  unheard.reset();
  operation->Cancel();
  lock.lock();
}

void TellAnswer(OperationNode* task, TreeLock& lock) noexcept {
  Operation* operation = task->operation.get();
  const std::unique_ptr<Answer> answer = std::move(task->answer);
  if (!answer) return;
  lock.unlock();
  operation->Answer(answer->status, std::move(answer->bytes), answer->more,
                    std::move(answer->error));
  lock.lock();
}

}  // namespace

void OperationNode::Begin(Tree& tree, EndNode* node) noexcept {
  auto* task = static_cast<OperationNode*>(node);
  if (!task->cancelled) return tree.BeginOnLoop(task);
  if (DropInOrder(task)) return tree.PushEffect(task);
  tree.CommitCancelled(task, task->waited ? Phase::kLimit : Phase::kNone);
}

void OperationNode::Reach(Tree& tree, EndNode* node) noexcept {
  auto* task = static_cast<OperationNode*>(node);
  if (task->state != State::kStarting) {
    task->tell_cancel = true;
    return tree.PushEffect(task);
  }
  // Not started yet: it never will be, even if a shield goes up before the loop looks.
  if (!DropInOrder(task)) tree.CommitCancelled(task, Phase::kNone);
}

void OperationNode::Effect(Tree& tree, EndNode* node, TreeLock& lock) noexcept {
  auto* task = static_cast<OperationNode*>(node);
  if (task->state == State::kStarting) return Start(tree, task, lock);
  if (task->tell_cancel && !task->told) return TellOfCancel(task, lock);
  TellAnswer(task, lock);
}

void OperationNode::Committed(Tree& tree, EndNode* node) noexcept {
  auto* task = static_cast<OperationNode*>(node);
  if (task->world) tree.clock_gate_.world--;
  task->world = false;
  if (task->rests) task->owner()->leases--;
  task->rests = false;
  Release(tree, task);
}

// If it was never admitted, too: the operation is destroyed on the loop, without the lock.
void OperationNode::Release(Tree& tree, Node* node) noexcept {
  Operation* operation = static_cast<OperationNode*>(node)->operation.release();
  if (!operation) return;
  operation->node_ = nullptr;
  tree.trash_.Add(operation);
  tree.RequestWake();
}

bool OperationNode::KeepsErrors(const Node* node) noexcept {
  return static_cast<bool>(static_cast<const OperationNode*>(node)->answer);
}

void OperationNode::DropErrors(Node* node) noexcept {
  static_cast<OperationNode*>(node)->answer.reset();
}

void OperationNode::Destroy(Tree& tree, Node* node) noexcept {
  tree.pools_.operations.Delete(static_cast<OperationNode*>(node));
}

Doing OperationNode::Describe(const Node* node) noexcept {
  const auto* task = static_cast<const OperationNode*>(node);
  const char* what = task->operation ? task->operation->WaitsFor() : "";
  return {"running", what[0] ? what : nullptr};
}

}  // namespace creche::tasks
