// NodeOps: what differs by kind of node, in one table. A new kind of node is a row of it
// (node_ops.cc) and a file beside this one; nothing else asks for kinds but where two of them meet.
#pragma once
#include <mutex>

#include "platform/lock.h"
#include "tasks/node/node.h"

namespace creche::tasks {

struct EndNode;

// The tree's lock, where something is done without it in between.
using TreeLock = std::unique_lock<platform::Lock>;

// What a node is doing: one word, and what it waits for or null. Static texts.
struct Doing {
  const char* state;
  const char* waits_for;
};

// All with the tree's lock held. Null: nothing to do.
struct NodeOps {
  const char* name;  // in dumps
  const char* word;  // the same without blanks, for programs

  // ---- tasks: admitted, cancelled, ended ----
  // It has its place under the group's limit: it starts, or asks the loop to.
  void (*begin)(Tree& tree, EndNode* task) noexcept = nullptr;
  // It has become effectively cancelled after it began. May free it, if it is a leaf.
  void (*reach)(Tree& tree, EndNode* node) noexcept = nullptr;
  // Its turn in the list of effects: on the loop's thread. Null: begin.
  void (*effect)(Tree& tree, EndNode* node, TreeLock& lock) noexcept = nullptr;
  // Its result stands.
  void (*committed)(Tree& tree, EndNode* task) noexcept = nullptr;

  // ---- what owns others ----
  // It is closed or has finished, and nothing is left in it.
  void (*emptied)(Tree& tree, OwnerNode* owner) noexcept = nullptr;
  void (*child_failed)(Tree& tree, OwnerNode* owner, EndNode* child) noexcept = nullptr;

  // ---- the end of its memory ----
  // What it has of the user's and the protocols', to be destroyed without the lock, is given to the
  // trash; errors are dropped without the lock, if it keeps any, before it is destroyed.
  void (*release)(Tree& tree, Node* node) noexcept = nullptr;
  bool (*keeps_errors)(const Node* node) noexcept = nullptr;
  void (*drop_errors)(Node* node) noexcept = nullptr;
  void (*destroy)(Tree& tree, Node* node) noexcept = nullptr;

  // For dumps, while it runs (what is no task: always).
  Doing (*describe)(const Node* node) noexcept = nullptr;
};

extern const NodeOps kNodeOps[kNodeTypes];
inline const NodeOps& OpsOf(const Node* node) noexcept {
  return kNodeOps[static_cast<size_t>(node->type)];
}

}  // namespace creche::tasks
