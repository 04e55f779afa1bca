// A task that sleeps or yields.
#pragma once
#include "tasks/node/end_node.h"

namespace creche::tasks {

struct SleepNode : EndNode, Alarm {
  SleepNode() : EndNode(NodeType::kSleep) {}
  union {
    Nanos wake = 0;     // INT64_MIN: does not sleep at all, ends in the next turn
    YieldEntry* yield;  // of such a one, once it has begun
  };

  static void Begin(Tree& tree, EndNode* task) noexcept;
  static void Reach(Tree& tree, EndNode* task) noexcept;
  static void Committed(Tree& tree, EndNode* task) noexcept;
  static void Destroy(Tree& tree, Node* node) noexcept;
  static Doing Describe(const Node* node) noexcept;
};

}  // namespace creche::tasks
