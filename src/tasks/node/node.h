// Node: what all nodes of the tree have: bare scopes, tasks, groups, the root. One kind a file
// beside this one; what differs by kind otherwise is in node_ops.h. All fields of nodes are guarded
// by the lock of the loop's domain unless a comment says otherwise.
#pragma once
#include <bit>
#include <cstdint>

#include "core/error.h"
#include "core/handles.h"
#include "tasks/node/cause.h"
#include "tasks/timers.h"

namespace creche::tasks {

class Tree;
struct Queue;
struct OwnerNode;
struct Branch;

enum class NodeType : uint8_t {
  kRoot,
  kScope,
  kGroup,
  kOperation,
  kSleep,
  kUser,
  kExternal,
  kOffload,
  kStart,
  kWait
};
inline constexpr size_t kNodeTypes = 10;

// What has happened to a node, or was asked for it; a base so that all of it is one byte to test.
struct NodeBits {
  bool cancel_called : 1 = false;  // it was cancelled itself
  bool cancelled : 1 = false;      // it is effectively cancelled
  bool shield : 1 = false;
  bool move_on : 1 = false;
  bool reached : 1 = false;    // a CANCELLED has come up to it
  bool leaving : 1 = false;    // bare scope: to be left as soon as it is empty
  bool left_open : 1 = false;  // only the end of the loop has closed it
  bool settling : 1 = false;   // in Tree::settling_
  // None of them is set.
  bool untouched() const noexcept { return std::bit_cast<uint8_t>(*this) == 0; }
};

// Any scope. There may be a million: leaves have no fields for what only others need, and places of
// what is over by then serve twice.
struct Node : Expiry, NodeBits {
  NodeType type;
  Reason called_by = Reason::kNone;  // why it was cancelled itself
  bool due = false;                  // its deadline had passed when it was made
  Node* parent = nullptr;
  Node* next = nullptr;
  Node* prev = nullptr;
  uint64_t id = 0;
  // Why it is (or its surroundings are) cancelled. Stays when a shield goes up: a cancellation that
  // is under way is not recalled, and says why when it ends.
  Ref<Cause> cause;
  union {
    Nanos deadline = kNever;  // until it is committed
    // Once it is in a queue: a Kind::kPlace if it holds one; of a receive a Kind::kReceived until
    // it is drained.
    uint64_t place_id;
  };
  Queue* queue = nullptr;  // the nearest, counted in Queue::refs
  char* label = nullptr;   // its name and site (label.h)

  explicit Node(NodeType t) : type(t) {}
  Expiry* expiry() noexcept { return this; }
  bool is_root() const noexcept { return type == NodeType::kRoot; }
  bool is_scope() const noexcept { return type == NodeType::kScope; }
  bool is_group() const noexcept { return type == NodeType::kGroup; }
  bool is_task() const noexcept { return !is_root() && !is_scope() && !is_group(); }
  bool is_start() const noexcept { return type == NodeType::kStart; }
  bool is_wait() const noexcept { return type == NodeType::kWait; }
  bool is_leaf() const noexcept { return type == NodeType::kSleep || type == NodeType::kWait; }
  // Not for leaves.
  inline Branch* branch() noexcept;
  const Branch* branch() const noexcept { return const_cast<Node*>(this)->branch(); }
  inline Node* first_child() const noexcept;
  // The nearest task, group or root above: whose child or step it is. Null for the root.
  inline OwnerNode* owner() const noexcept;
};

// What is below a node.
struct Branch {
  Node* first_child = nullptr;
  Node* settle_next = nullptr;
  uint32_t live = 0;     // directly in it: tasks, scopes and groups that have not ended
  uint32_t pending = 0;  // an owner's: what holds it open: children or steps, scopes, leases

  inline void Append(Node* node) noexcept;  // which is counted, too
  inline void Remove(Node* node) noexcept;  // counts until it is delivered
};

// A list that ends in null; first->prev is the last one.
void Branch::Append(Node* node) noexcept {
  if (Node* first = first_child) {
    node->prev = first->prev;
    first->prev->next = node;
    first->prev = node;
  } else {
    first_child = node;
    node->prev = node;
  }
  live++;
}
void Branch::Remove(Node* node) noexcept {
  if (first_child == node) {
    first_child = node->next;
    if (node->next) node->next->prev = node->prev;
  } else {
    node->prev->next = node->next;
    (node->next ? node->next : first_child)->prev = node->prev;
  }
  node->next = node->prev = nullptr;
}

}  // namespace creche::tasks
