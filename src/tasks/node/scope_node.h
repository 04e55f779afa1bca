// A bare scope.
#pragma once
#include "tasks/node/node_ops.h"

namespace creche::tasks {

struct Scope : Node {
  Scope() : Node(NodeType::kScope) {}
  Branch below;
  OwnerNode* outside = nullptr;  // its owner

  static void Destroy(Tree& tree, Node* node) noexcept;
  static Doing Describe(const Node* node) noexcept;
};

}  // namespace creche::tasks
