// The nodes of the tree: bare scopes, tasks, groups, the root. All fields are guarded by the lock
// of the loop's domain unless a comment says otherwise.
#pragma once
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/deadlines.h"
#include "core/error.h"
#include "core/handles.h"
#include "core/workers.h"
#include "tasks/completion.h"
#include "tasks/context.h"
#include "tasks/entry.h"
#include "tasks/operation.h"

namespace creche::tasks {

struct Queue;
struct Group;

// Why something was cancelled; shared by all that it reaches. The errors made from it are shared
// too: cancelling 100,000 sleepers makes one.
struct Cause : RefCounted {
  Reason reason = Reason::kNone;
  uint64_t by = 0;
  std::string text;
  ErrorRef made;  // the last error made from it
};

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

// The heaps that a node can be in, told apart by type.
struct Expiry : Deadline {};  // Tree::deadlines_
struct Alarm : Deadline {};   // Tree::sleeps_
struct Grace : Deadline {};   // Tree::graces_

struct OwnerNode;
struct Branch;

// What has happened to a node, or was asked for it; a base so that all of it is one byte to test.
struct NodeBits {
  bool called : 1 = false;  // it was cancelled itself
  bool eff : 1 = false;     // it is effectively cancelled
  bool shield : 1 = false;
  bool move_on : 1 = false;
  bool reached : 1 = false;    // a CANCELLED has come up to it
  bool leaving : 1 = false;    // bare scope: to be left as soon as it is empty
  bool left_open : 1 = false;  // only the end of the loop has closed it
  bool settling : 1 = false;   // in Tree::settle_
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
    // Once it is in a queue: Kind::kSeat if it is seated; of a receive Kind::kCame until it is
    // drained.
    uint64_t seat;
  };
  Queue* queue = nullptr;  // the nearest, counted in Queue::refs
  char* label = nullptr;   // its name and site (label.h)

  explicit Node(NodeType t) : type(t) {}
  Expiry* expiry() noexcept { return this; }
  bool is_scope() const noexcept { return type == NodeType::kScope; }
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
  uint32_t live = 0;  // directly in it: tasks, scopes and groups that have not ended

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

// A bare scope.
struct Scope : Node {
  Scope() : Node(NodeType::kScope) {}
  Branch below;
  OwnerNode* outside = nullptr;  // its owner
};

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
struct EndNode : Node, Entry {
  State state = State::kNew;
  Route route = Route::kNobody;
  uint8_t flags = 0;        // of its end
  bool ending : 1 = false;  // a group that is closed, a task that has finished: ends when it is
                            // empty
  bool in_effects : 1 = false;
  bool counted : 1 = false;      // it takes a place of its group's limit
  bool body : 1 = false;         // it is the body of its group
  bool neutral : 1 = false;      // it wins no race: a body, a start of its own group
  bool seated : 1 = false;       // counts until its completion is released
  bool give_back : 1 = false;    // its leases are to be given back (effect)
  bool tell_cancel : 1 = false;  // its operation is to be told (effect)
  bool was_eff : 1 = false;      // it has been effectively cancelled at some time
  bool begun : 1 = false;        // a user's task
  bool plain : 1 = false;        // a user's task that began as one (plain.h)
  bool told : 1 = false;         // Operation::Cancel was called
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
  // In Tree's effects, or in its group's waiting list (never in both).
  EndNode* link_next = nullptr;
  EndNode* link_prev = nullptr;

  using Node::Node;
};

// One whose end says more than a status.
struct ResultNode : EndNode {
  using EndNode::EndNode;
  uint32_t code = 0;
  uint64_t value = 0;
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

// What owns children, steps and leases.
struct OwnerNode : ResultNode {
  using ResultNode::ResultNode;
  Branch below;
  uint32_t pending = 0;  // what holds it open: children or steps, scopes, leases
  uint32_t leases = 0;   // of those
  Lease* first_lease = nullptr;
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

// An answer of the user's on its way to an operation.
struct Answer {
  Status status = Status::kOk;
  std::string bytes;
  bool more = false;
  ErrorRef error;
};

// Its children: the body of a transaction.
struct OperationNode : OwnerNode {
  OperationNode() : OwnerNode(NodeType::kOperation) {}
  std::unique_ptr<Operation> operation;  // used on the loop's thread only, once started
  bool asked = false;                    // a kPull or kAsk waits for an answer
  bool world = false;                    // counted in Tree::world_
  bool rests = false;                    // counted in its owner's leases: ends with one of them
  bool dropped = false;                  // cancelled before it began: Drop instead of Start
  std::unique_ptr<Answer> answer;
};

struct SleepNode : EndNode, Alarm {
  SleepNode() : EndNode(NodeType::kSleep) {}
  union {
    Nanos wake = 0;     // INT64_MIN: does not sleep at all, ends in the next turn
    YieldEntry* place;  // of such a one, once it has begun
  };
};

// A user's or external task, or an offloaded function.
struct UserNode : OwnerNode, BeginEntry, CancelEntry, StalledEntry {
  UserNode() : OwnerNode(NodeType::kUser) {}  // what it really is, whoever makes it sets
  BeginEntry* begin() noexcept { return this; }
  CancelEntry* cancel() noexcept { return this; }
  StalledEntry* stalled() noexcept { return this; }
  bool abandon = false;
  bool misused = false;  // it finished in a way that is an error by itself
  BodyListener* listener = nullptr;
  ErrorRef failed_step;            // of a step that nobody was told of
  std::unique_ptr<WorkItem> work;  // offloaded: until the workers have it
  WorkItem* queued = nullptr;      // the same, until it has begun
  std::unique_ptr<ContextHeld> context;
};

// The task that a notice is for.
inline UserNode* TaskOf(Entry* notice) noexcept {
  if (notice->what == What::kBegin) return static_cast<UserNode*>(static_cast<BeginEntry*>(notice));
  if (notice->what == What::kCancel)
    return static_cast<UserNode*>(static_cast<CancelEntry*>(notice));
  return static_cast<UserNode*>(static_cast<StalledEntry*>(notice));
}
// The node of an entry that is no post.
inline EndNode* NodeOf(Entry* entry) noexcept {
  if (entry->entry_type == EntryType::kFinal) return static_cast<EndNode*>(entry);
  if (entry->entry_type == EntryType::kNotice) return TaskOf(entry);
  return static_cast<MoreEntry*>(entry)->node;
}

// creche_task_start: holds its target open, and the child until that has started.
struct StartNode : OwnerNode {
  StartNode() : OwnerNode(NodeType::kStart) {}
  UserNode* child = nullptr;
  Group* target = nullptr;
  StartNode* target_next = nullptr;  // the starts that are pending on the same target
  StartNode* target_prev = nullptr;
  bool elsewhere = false;  // its child was cancelled alone, or with its target
  bool said = false;       // creche_task_started was called
  uint64_t said_value = 0;
  struct {
    Status status = Status::kOk;
    ErrorRef error;
  } result;  // of a child that ended before it was moved
};

// The array behind a group's completion, with the references that ReleaseCompletions gives back.
struct Gathered final : Held {
  ~Gathered() override { ReleaseCompletions(completions.data(), completions.size()); }
  std::vector<Completion> completions;
};

// creche_group_options, checked.
enum class Policy : uint8_t { kFailFast, kCollect, kRace };

struct Group : OwnerNode, Grace {
  explicit Group(NodeType t) : OwnerNode(t) {}
  Policy policy = Policy::kFailFast;
  bool inherits = true;  // children without a queue of their own take the one from outside
  bool joinable = false;
  bool joining = false;
  bool delivered = false;  // its completion was
  bool joined = false;     // its outcome was taken
  bool until_released = false;
  bool won = false;  // RACE: somebody has succeeded
  bool has_body = false;
  bool abandoned = false;  // its task has finished and left it open: counted in Tree::guarded_
  int join_fd = -1;        // an eventfd of the joiner
  uint32_t limit = 0;
  uint32_t running = 0;  // of those that count against limit
  uint32_t max_errors = 0;
  uint32_t errors_dropped = 0;
  StartNode* first_start = nullptr;  // starts that will move a child here
  Group* spread_next = nullptr;      // in Tree::spread_
  bool spreading = false;
  EndNode* first_waiting = nullptr;
  EndNode* last_waiting = nullptr;
  Nanos grace = kNever;
  LeaveOutcome outcome;  // kept for a join
  ErrorRef outcome_error;
  std::vector<ErrorRef> errors;
  std::unique_ptr<Gathered> gathered;
};

// Whether it ought to be effectively cancelled.
inline bool EffOf(const Node* node) noexcept {
  if (node->called) return true;
  if (node->shield) return false;
  if (node->parent->eff) return true;
  if (node->type != NodeType::kStart) return false;
  const Group* target = static_cast<const StartNode*>(node)->target;
  return target && target->eff;
}

// Whether its result stands already: nothing can be done to it any more.
inline bool IsOver(const Node* node) noexcept {
  return !node->is_scope() && static_cast<const EndNode*>(node)->state == State::kCommitted;
}

// Why it was cancelled, or why what reached it was.
inline Reason ReasonOf(const Node* node) noexcept {
  return node->cause && (node->eff || node->reached) ? node->cause->reason : Reason::kNone;
}

// The queue that what is started in `in` inherits.
inline Queue* QueueBelow(const Node* in) noexcept {
  const bool own_only = in->type == NodeType::kGroup && !static_cast<const Group*>(in)->inherits;
  return own_only ? nullptr : in->queue;
}

}  // namespace creche::tasks
