// All kinds of nodes, and what is asked of any.
#pragma once
#include "tasks/node/group.h"
#include "tasks/node/operation_node.h"
#include "tasks/node/sleep_node.h"
#include "tasks/node/start_node.h"
#include "tasks/node/user_node.h"
#include "tasks/node/wait_node.h"

namespace creche::tasks {

// Null for those whose end has no data.
inline Details* DetailsOf(EndNode* node) noexcept {
  switch (node->type) {
    case NodeType::kOperation:
      return static_cast<OperationNode*>(node);
    case NodeType::kGroup:
    case NodeType::kRoot:
      return static_cast<Group*>(node);
    case NodeType::kWait:
      return static_cast<WaitNode*>(node);
    default:
      return nullptr;
  }
}
inline const Details* DetailsOf(const EndNode* node) noexcept {
  return DetailsOf(const_cast<EndNode*>(node));
}

// Whether it ought to be effectively cancelled.
inline bool OughtToBeCancelled(const Node* node) noexcept {
  if (node->cancel_called) return true;
  if (node->shield) return false;
  if (node->parent->cancelled) return true;
  if (node->type != NodeType::kStart) return false;
  const Group* target = static_cast<const StartNode*>(node)->target;
  return target && target->cancelled;
}

// Whether its result stands already: nothing can be done to it any more.
inline bool IsOver(const Node* node) noexcept {
  return !node->is_scope() && static_cast<const EndNode*>(node)->state == State::kCommitted;
}

// Why it was cancelled, or why what reached it was.
inline Reason ReasonOf(const Node* node) noexcept {
  return node->cause && (node->cancelled || node->reached) ? node->cause->reason : Reason::kNone;
}

// The queue that what is started in `in` inherits.
inline Queue* QueueBelow(const Node* in) noexcept {
  const bool own_only = in->is_group() && !static_cast<const Group*>(in)->inherits;
  return own_only ? nullptr : in->queue;
}

}  // namespace creche::tasks
