// The task of an operation (operation.h). Its children: the body of a transaction.
#pragma once
#include <memory>
#include <string>

#include "tasks/node/end_node.h"

namespace creche::tasks {

// An answer of the user's on its way to an operation.
struct Answer {
  Status status = Status::kOk;
  std::string bytes;
  bool more = false;
  ErrorRef error;
};

struct OperationNode : OwnerNode, Details {
  OperationNode() : OwnerNode(NodeType::kOperation) {}
  std::unique_ptr<Operation> operation;  // used on the loop's thread only, once started
  bool asked = false;                    // a kPull or kAsk waits for an answer
  bool world = false;                    // counted in ClockGate::world
  bool rests = false;                    // counted in its owner's leases: ends with one of them
  bool dropped = false;                  // cancelled before it began: Drop instead of Start
  std::unique_ptr<Answer> answer;

  static void Begin(Tree& tree, EndNode* task) noexcept;
  static void Reach(Tree& tree, EndNode* task) noexcept;
  static void Effect(Tree& tree, EndNode* task, TreeLock& lock) noexcept;
  static void Committed(Tree& tree, EndNode* task) noexcept;
  static void Release(Tree& tree, Node* node) noexcept;
  static bool KeepsErrors(const Node* node) noexcept;
  static void DropErrors(Node* node) noexcept;
  static void Destroy(Tree& tree, Node* node) noexcept;
  static Doing Describe(const Node* node) noexcept;
};

}  // namespace creche::tasks
