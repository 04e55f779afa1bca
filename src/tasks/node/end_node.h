// What has an end: tasks, groups, the root; and, of those, what owns others.
#pragma once
#include <memory>

#include "core/list.h"
#include "tasks/completion.h"
#include "tasks/entry.h"
#include "tasks/node/scope_node.h"
#include "tasks/operation.h"

namespace creche::tasks {

enum class State : uint8_t {
  kNew,       // linked, not entered yet
  kWaiting,   // for its group's limit
  kStarting,  // to be started on the loop
  kRunning,
  kCommitted  // its result stands
};

// What a task or group ends with.
struct End {
  Status status = Status::kOk;
  uint32_t code = 0;
  uint8_t flags = 0;
  uint64_t value = 0;
  const void* data = nullptr;
  size_t size = 0;
  ErrorRef error = {};
  std::unique_ptr<Held> held = {};
};

// A node with a completion, whose place in lists the node itself is.
// In Tree's effects, its group's waiting list, or those that wait for their join.
// (The entry comes last: small fields follow in its padding.)
struct EndNode : Node, ListNode<EndNode>, Entry {
  State state = State::kNew;
  Route route = Route::kNobody;
  uint8_t flags = 0;        // of its end
  bool ending : 1 = false;  // a group that is closed, a task that has finished: ends when it is
                            // empty
  bool in_effects : 1 = false;
  bool counted : 1 = false;        // it takes a place of its group's limit
  bool body : 1 = false;           // it is the body of its group
  bool neutral : 1 = false;        // it wins no race: a body, a start of its own group
  bool holds_place : 1 = false;    // counts until its completion is released
  bool give_back : 1 = false;      // its leases are to be given back (effect)
  bool tell_cancel : 1 = false;    // its operation is to be told (effect)
  bool was_cancelled : 1 = false;  // it has been effectively cancelled at some time
  bool begun : 1 = false;          // a user's task
  bool fast : 1 = false;           // a user's task that began as one (fast_path.h)
  bool told : 1 = false;           // Operation::Cancel was called
  bool id_ended : 1 = false;
  bool waited : 1 = false;  // it was cancelled, or its session or pool closed, while it waited for
                            // its group's limit
  bool yields : 1 = false;  // a sleep that has a place among the callbacks
  uint32_t gather_index = 0;
  Status status = Status::kOk;  // its end, with error and flags
  ErrorRef error;
  DoneFn done = nullptr;
  void* user = nullptr;
  Nanos started = 0;

  using Node::Node;
};

// One whose end says more than a status.
struct ResultNode : EndNode {
  using EndNode::EndNode;
  union {
    uint64_t value = 0;
    void* body_user;  // of a user's task, until it has finished
  };
};
// One whose end may have data.
struct Details {
  uint32_t code = 0;
  const void* data = nullptr;
  size_t size = 0;
  std::unique_ptr<Held> held;
  uint64_t hold = 0;  // Kind::kHold of what `held` was, once it is in a queue
};

// Null for those whose end is a status and no more.
inline ResultNode* ResultOf(EndNode* node) noexcept {
  return node->type == NodeType::kSleep ? nullptr : static_cast<ResultNode*>(node);
}
inline const ResultNode* ResultOf(const EndNode* node) noexcept {
  return ResultOf(const_cast<EndNode*>(node));
}

// What owns children, steps and leases. Up to body_fn is all that a task needs which is spawned,
// begins, finishes and ends: with a place that is a multiple of a line of cache that is three lines
// of it, and a million of tasks cost what they do because each is brought in from memory twice.
struct OwnerNode : ResultNode {
  using ResultNode::ResultNode;
  Branch below;
  uint32_t leases = 0;       // of those in below.pending
  DoneFn body_fn = nullptr;  // of a user's task; external ones: null, notices go where the
                             // completion goes
  List<Lease> held_leases;
};

Branch* Node::branch() noexcept {
  return is_scope() ? &static_cast<Scope*>(this)->below : &static_cast<OwnerNode*>(this)->below;
}
Node* Node::first_child() const noexcept {
  return is_leaf() ? nullptr : branch()->first_child;
}
OwnerNode* Node::owner() const noexcept {
  if (!parent) return nullptr;
  return parent->is_scope() ? static_cast<Scope*>(parent)->outside
                            : static_cast<OwnerNode*>(parent);
}
// Whose child or step it is what is started in `in`, which is no leaf.
inline OwnerNode* OwnerIn(Node* in) noexcept {
  return in->is_scope() ? static_cast<Scope*>(in)->outside : static_cast<OwnerNode*>(in);
}

}  // namespace creche::tasks
