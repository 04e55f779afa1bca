// The nodes of the tree: bare scopes, tasks, groups, the root. All fields are guarded by the lock
// of the loop's domain unless a comment says otherwise.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "core/deadlines.h"
#include "core/error.h"
#include "core/handles.h"
#include "core/workers.h"
#include "tasks/completion.h"
#include "tasks/context.h"
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

// A place in the list of callbacks to run, or in a queue.
enum class EntryType : uint8_t { kFinal, kNotice, kMore, kPost };
struct Entry {
  Entry* next = nullptr;
  struct EndNode* node = nullptr;  // null for kPost
  EntryType type = EntryType::kFinal;
  bool listed = false;
  What what = What::kDone;
};
// One with a result of its own (a chunk, a block of rows, a pull).
struct MoreEntry : Entry {
  Outcome outcome;
  uint64_t hold = 0;
};
// A posted function, or the last completion of a close: for fn, or for a queue.
struct PostEntry : Entry {
  PostEntry() { type = EntryType::kPost; }
  DoneFn fn = nullptr;
  void* user = nullptr;
  uint64_t value = 0;
  Queue* queue = nullptr;  // counted in Queue::refs and accepted
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

// Any scope.
struct Node : Expiry {
  Node* parent = nullptr;
  Node* first_child = nullptr;
  Node* next = nullptr;
  Node* prev = nullptr;
  struct EndNode* owner =
      nullptr;  // the nearest task, group or root above: whose child or step it is
  uint64_t id = 0;
  // Why it is (or its surroundings are) cancelled. Stays when a shield goes up: a cancellation that
  // is under way is not recalled, and says why when it ends.
  Ref<Cause> cause;
  Nanos deadline = kNever;
  uint32_t live = 0;  // directly in it: tasks, scopes and groups that have not ended
  NodeType type;
  Reason called_by = Reason::kNone;  // why it was cancelled itself
  bool called : 1 = false;           // it was cancelled itself
  bool eff : 1 = false;              // it is effectively cancelled
  bool shield : 1 = false;
  bool move_on : 1 = false;
  bool reached : 1 = false;    // a CANCELLED has come up to it
  bool leaving : 1 = false;    // bare scope: to be left as soon as it is empty
  bool left_open : 1 = false;  // only the end of the loop has closed it
  bool settling : 1 = false;   // in Tree::settle_
  Node* settle_next = nullptr;
  Queue* queue = nullptr;  // the nearest, counted in Queue::refs
  char* label = nullptr;   // its name and site (label.h)

  explicit Node(NodeType t) : type(t) {}
  Expiry* expiry() noexcept { return this; }
  bool is_owner() const noexcept { return type != NodeType::kScope; }
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
  uint32_t flags = 0;
  uint64_t value = 0;
  const void* data = nullptr;
  size_t size = 0;
  ErrorRef error = {};
  std::unique_ptr<Held> held = {};
};

// A node with a completion: what owns children, steps and leases.
struct EndNode : Node {
  using Node::Node;
  uint32_t pending = 0;  // what holds it open: children or steps, scopes, leases
  uint32_t leases = 0;   // of those
  Lease* first_lease = nullptr;
  State state = State::kNew;
  bool ending = false;  // a group that is closed, a task that has finished: ends when it is empty
  Route route = Route::kNobody;
  bool in_effects : 1 = false;
  bool counted : 1 = false;      // it takes a place of its group's limit
  bool body : 1 = false;         // it is the body of its group
  bool seated : 1 = false;       // counts until its completion is released
  bool give_back : 1 = false;    // its leases are to be given back (effect)
  bool tell_cancel : 1 = false;  // its operation is to be told (effect)
  bool was_eff : 1 = false;      // it has been effectively cancelled at some time
  bool told : 1 = false;         // Operation::Cancel was called
  bool id_ended : 1 = false;
  bool waited : 1 = false;  // it was cancelled while it waited for its group's limit
  uint32_t gather_index = 0;
  uint64_t hold = 0;  // Kind::kHold of what end.held was, once it is in a queue
  uint64_t seat = 0;  // Kind::kSeat, once it is in a queue and seated
  DoneFn done = nullptr;
  void* user = nullptr;
  Nanos started = 0;
  Entry final;
  End end;
  // In Tree's effects, or in its group's waiting list (never in both).
  EndNode* link_next = nullptr;
  EndNode* link_prev = nullptr;
};

// An answer of the user's on its way to an operation.
struct Answer {
  Status status = Status::kOk;
  std::string bytes;
  bool more = false;
  ErrorRef error;
};

struct OperationNode : EndNode {
  OperationNode() : EndNode(NodeType::kOperation) {}
  std::unique_ptr<Operation> operation;  // used on the loop's thread only, once started
  bool asked = false;                    // a kPull or kAsk waits for an answer
  bool world = false;                    // counted in Tree::world_
  std::unique_ptr<Answer> answer;
};

struct SleepNode : EndNode, Alarm {
  SleepNode() : EndNode(NodeType::kSleep) {}
  Nanos wake = 0;  // INT64_MIN: does not sleep at all, ends in the next turn
};

// A user's or external task, or an offloaded function.
struct UserNode : EndNode {
  explicit UserNode(NodeType t) : EndNode(t) {}
  DoneFn body_fn = nullptr;  // external tasks: null, notices go where the completion goes
  void* body_user = nullptr;
  BodyListener* listener = nullptr;
  uint64_t begin_value = 0;
  Entry begin, cancel, stalled;
  bool begun = false;
  ErrorRef failed_step;            // of a step that nobody was told of
  std::unique_ptr<WorkItem> work;  // offloaded: until the workers have it
  WorkItem* queued = nullptr;      // the same, until it has begun
  bool abandon = false;
  std::unique_ptr<ContextHeld> context;
};

// creche_task_start: holds its target open, and the child until that has started.
struct StartNode : EndNode {
  StartNode() : EndNode(NodeType::kStart) {}
  UserNode* child = nullptr;
  Group* target = nullptr;
  StartNode* target_next = nullptr;  // the starts that are pending on the same target
  StartNode* target_prev = nullptr;
  bool of_target = false;  // it ends in a cancelled target
  bool said = false;       // creche_task_started was called
  uint64_t value = 0;      // what it said
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

struct Group : EndNode, Grace {
  explicit Group(NodeType t) : EndNode(t) {}
  Policy policy = Policy::kFailFast;
  bool inherits = true;  // children without a queue of their own take the one from outside
  bool joinable = false;
  bool joining = false;
  bool delivered = false;  // its completion was
  bool joined = false;     // its outcome was taken
  bool until_released = false;
  bool won = false;  // RACE: somebody has succeeded
  int join_fd = -1;  // an eventfd of the joiner
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
  return node->is_owner() && static_cast<const EndNode*>(node)->state == State::kCommitted;
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
