// Tasks of users: told to begin and to hurry, and what becomes of them when they finish.
#include "tasks/node/user_node.h"

#include <new>
#include <utility>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// Of a finish that breaks the rules. cause: what else has gone wrong, or null.
ErrorRef MisuseError(Status status, ErrorRef cause) noexcept {
  constexpr char kMisnested[] =
      "the task finished while a group or scope that it had opened was still open; close or leave "
      "it before creche_task_finish";
  constexpr char kNotCancelled[] =
      "the task finished with CRECHE_E_CANCELLED though nothing cancelled it; finish with "
      "CRECHE_E_USER or a status of your own";
  try {
    return MakeError(ErrorInfo{.status = status,
                               .phase = Phase::kTask,
                               .message = status == Status::kMisnested ? kMisnested : kNotCancelled,
                               .cause = std::move(cause)});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace

void UserNode::Begin(Tree& tree, EndNode* node) noexcept {
  auto* task = static_cast<UserNode*>(node);
  task->state = State::kRunning;
  tree.Notify(task, task->begin(), What::kBegin);
}

void UserNode::Reach(Tree& tree, EndNode* node) noexcept {
  auto* task = static_cast<UserNode*>(node);
  if (task->ending)
    tree.QueueSettle(task);
  else if (task->begun)
    tree.Notify(task, task->cancel(), What::kCancel);
}

// A step's failure is its starter's to handle, unless nobody is told of it.
void UserNode::ChildFailed(Tree& tree, OwnerNode* owner, EndNode* step) noexcept {
  if (step->route != Route::kNobody) return;
  auto* task = static_cast<UserNode*>(owner);
  if (!task->failed_step) task->failed_step = step->error;
  tree.Cancel(task, Reason::kSibling, step->id, nullptr);
}

void UserNode::Release(Tree& tree, Node* node) noexcept {
  if (auto& context = static_cast<UserNode*>(node)->context)
    tree.Discard({.held = std::move(context)});
}

bool UserNode::KeepsErrors(const Node* node) noexcept {
  return static_cast<bool>(static_cast<const UserNode*>(node)->failed_step);
}

void UserNode::DropErrors(Node* node) noexcept {
  static_cast<UserNode*>(node)->failed_step = nullptr;
}

void UserNode::Destroy(Tree& tree, Node* node) noexcept {
  tree.pools_.users.Delete(static_cast<UserNode*>(node));
}

Doing UserNode::Describe(const Node* node) noexcept {
  const auto* task = static_cast<const UserNode*>(node);
  if (task->ending) return {"finished", "its steps"};
  if (task->begun) return {"running", nullptr};
  return {"starting", task->type == NodeType::kOffload ? "a worker" : "the loop"};
}

void Tree::Notify(UserNode* task, Entry* entry, What what) noexcept {
  if (entry->listed) return;
  entry->listed = true;
  const bool own = entry == static_cast<EndNode*>(task);
  entry->entry_type = own ? EntryType::kBegin : EntryType::kNotice;
  entry->what = what;
  if (task->type == NodeType::kExternal && task->route == Route::kDefault) {
    Push(task->queue, entry);
    if (what != What::kBegin) return;
    // In a queue it has begun as soon as its begin can be read.
    task->begun = true;
    Note(EventType::kStarted, task);
    if (task->cancelled || task->waited) Notify(task, task->cancel(), What::kCancel);
  } else {
    task->below.pending++;  // until it was called: the task may finish meanwhile
    PushReady(entry);
  }
}

Status Tree::FinishUser(UserNode* task, Status status, uint64_t value, ErrorRef error,
                        bool by_user) noexcept {
  if (!task->begun || task->ending) return Status::kState;
  task->ending = true;
  if (task->type == NodeType::kOffload && task->state == State::kRunning) {
    // Its own, unless it has given that back and not taken it again.
    if (clock_gate_.holds > 0) clock_gate_.holds--;
    if (clock()) RequestWake();  // it may have waited for this, also if nobody is told
  }
  task->misused = status == Status::kCancelled && !task->was_cancelled;
  if (task->misused) {
    status = Status::kNotCancelled;
    error = MisuseError(status, nullptr);
  }
  // Its own error for a cancellation says less than ours, which has the reason.
  if (status == Status::kCancelled || status == Status::kOk) error = nullptr;
  bool misnested = false;
  CloseOpenScopes(task, &misnested);
  if (misnested && by_user && (status == Status::kOk || status == Status::kCancelled)) {
    status = Status::kMisnested;
    error = MisuseError(status, nullptr);
    task->misused = true;
  }
  // What was cancelled before, the task has dealt with; what is cut from now on, nobody has.
  task->reached = false;
  task->status = status;
  task->value = value;
  task->error = std::move(error);
  if (status != Status::kOk && !task->cancelled) {
    // Its own reason is from before a shield went up; its steps get another.
    if (status == Status::kCancelled && !task->error)
      task->error = CancelError(task, status, Phase::kTask);
    Cancel(task, Reason::kFinished, task->id, nullptr);
  }
  if (task->body) {
    auto* group = static_cast<Group*>(task->owner());
    group->ending = true;
    QueueSettle(group);
  }
  QueueSettleIfIdle(task);
  return Status::kOk;
}

void Tree::CloseOpenScopes(EndNode* task, bool* misnested) noexcept {
  // Those of the task's own: its children, what is in its bare scopes, and what is in the groups
  // that it has abandoned. In one that it had closed somebody may still be at work, unless the loop
  // is closing.
  Node* node = task->first_child();
  while (node) {
    const bool scope = node->is_scope(), group = node->is_group();
    const bool open = scope ? !node->leaving : group && !static_cast<Group*>(node)->ending;
    if (open) {
      *misnested = true;
      if (scope) {
        node->leaving = true;
      } else {
        static_cast<Group*>(node)->ending = static_cast<Group*>(node)->abandoned = true;
        guarded_++;
      }
      Cancel(node, Reason::kMisnested, task->id, nullptr);
      QueueSettle(node);
    }
    const bool closes = IsUsers(node) && !static_cast<EndNode*>(node)->ending;
    const bool inside = scope || (group && open) || (life_.all_cancelled && !closes);
    Node* next = inside ? node->first_child() : nullptr;
    if (!next) {
      while (node != task && !node->next) node = node->parent;
      next = node == task ? nullptr : node->next;
    }
    node = next;
  }
}

void UserNode::Emptied(Tree& tree, OwnerNode* owner) noexcept {
  auto* task = static_cast<UserNode*>(owner);
  // A failure comes before the cancellation that it caused, and stands behind a misuse.
  if (task->failed_step && (task->status == Status::kOk || task->status == Status::kCancelled)) {
    task->status = task->failed_step->status();
    task->error = std::move(task->failed_step);
  } else if (task->failed_step && task->misused) {
    task->error = MisuseError(task->status, std::move(task->failed_step));
  }
  if (task->status == Status::kOk && task->reached) task->status = Status::kCancelled;
  const bool limit = task->waited && task->type == NodeType::kOffload;
  tree.CommitStored(task, limit ? Phase::kLimit : Phase::kTask);
}

}  // namespace creche::tasks
