// creche_task_start: holds its target open, and the child until that has started.
#pragma once
#include "tasks/node/group.h"
#include "tasks/node/user_node.h"

namespace creche::tasks {

// In the list of its target's.
struct StartNode : OwnerNode, ListNode<StartNode, struct OfTarget> {
  StartNode() : OwnerNode(NodeType::kStart) {}
  UserNode* child = nullptr;
  Group* target = nullptr;
  bool elsewhere = false;  // its child was cancelled alone, or with its target
  bool said = false;       // creche_task_started was called
  uint64_t said_value = 0;
  struct {
    Status status = Status::kOk;
    ErrorRef error;
  } result;  // of a child that ended before it was moved

  static void Begin(Tree& tree, EndNode* task) noexcept;
  static void Emptied(Tree& tree, OwnerNode* start) noexcept;
  static void Destroy(Tree& tree, Node* node) noexcept;
  static Doing Describe(const Node* node) noexcept;
};

}  // namespace creche::tasks
