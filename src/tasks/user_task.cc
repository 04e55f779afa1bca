// User tasks and external tasks: begun, notified, finished by the user.
#include <new>

#include "tasks/plain.h"

namespace creche::tasks {

void Tree::Notify(UserNode* task, Entry* entry, What what) noexcept {
  if (entry->listed) return;
  entry->listed = true;
  entry->entry_type = EntryType::kNotice;
  entry->what = what;
  if (task->type == NodeType::kExternal && task->route == Route::kDefault) {
    Push(task->queue, entry);
    if (what != What::kBegin) return;
    // In a queue it has begun as soon as its begin can be read.
    task->begun = true;
    Note(EventType::kStarted, task);
    if (task->eff || task->waited) Notify(task, task->cancel(), What::kCancel);
  } else {
    task->pending++;  // until it was called: the task may finish meanwhile
    PushReady(entry);
  }
}

namespace {

// Lock held. context: null if there is none anywhere.
[[gnu::noinline]] Status Spawn(Tree* tree, Node* in, const Tail& tail, DoneFn body, void* body_user,
                               NewContext* context) noexcept {
  UserNode* task = tree->NewUser(NodeType::kUser);
  if (!task) return Status::kNoMemory;
  task->body_fn = body;
  task->body_user = body_user;
  const Status status = tree->StartTask(task, in, tail, false);
  if (status == Status::kOk && context) context->GiveTo(task);
  return status;
}

[[gnu::noinline]] Status SpawnWithContext(const Tail& tail, DoneFn body, void* body_user) noexcept {
  NewContext context(tail);
  if (!context.ok()) return Status::kNoMemory;
  Section section(tail.in, kScopeKinds);
  if (!section.ok()) return section.status();
  if (Status status = Tree::Admits(section.node()); status != Status::kOk) return status;
  return Spawn(section.tree(), section.node(), tail, body, body_user, &context);
}

}  // namespace

bool SpawnPlainTask(const Tail& tail, DoneFn body, void* body_user) noexcept {
  if (Context::any()) return false;
  const Section section(tail.in, Bit(Kind::kGroup));
  if (!section.ok()) return false;
  auto* group = static_cast<Group*>(section.node());
  Tree* tree = section.tree();
  return Tree::Admits(group) == Status::kOk && tree->IsPlainIn(group, tail) &&
         tree->SpawnPlain(group, tail, body, body_user);
}

bool FinishPlainTask(uint64_t id, uint64_t value) noexcept {
  const Section section(id, Bit(Kind::kTask));
  if (!section.ok()) return false;
  Node* node = section.node();
  return (node->type == NodeType::kUser || node->type == NodeType::kExternal) &&
         section.tree()->FinishPlain(static_cast<UserNode*>(node), value);
}

Status SpawnTask(const Tail& tail, DoneFn body, void* body_user) noexcept {
  if (tail.task) *tail.task = 0;
  if (tail.options || Context::any()) return SpawnWithContext(tail, body, body_user);
  Section section(tail.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  Node* in = section.node();
  if (Status status = Tree::Admits(in); status != Status::kOk) return status;
  return Spawn(tree, in, tail, body, body_user, nullptr);
}

Status OpenTask(const Tail& tail) noexcept {
  if (tail.task) *tail.task = 0;
  NewContext context(tail);
  if (!context.ok()) return Status::kNoMemory;
  Section section(tail.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  Node* in = section.node();
  if (Status status = Tree::Admits(in); status != Status::kOk) return status;
  const bool has_queue = QueueBelow(in) || (tail.options && tail.options->queue != 0);
  if (tail.route == Route::kToGroup || tail.route == Route::kNobody ||
      (tail.route == Route::kDefault && !has_queue))
    return Status::kInvalid;
  OwnerNode* owner = OwnerIn(in);
  const bool body = tail.options && tail.options->body;
  if (body && owner->type != NodeType::kGroup) return Status::kInvalid;
  if (body && static_cast<Group*>(owner)->has_body) return Status::kState;
  UserNode* task = tree->NewUser(NodeType::kExternal);
  if (!task) return Status::kNoMemory;
  task->body = task->neutral = body;
  const Status status = tree->StartTask(task, in, tail, body);
  if (status != Status::kOk) return status;
  if (body) static_cast<Group*>(owner)->has_body = true;
  context.GiveTo(task);
  return status;
}

Status FinishTask(uint64_t id, Status status, uint64_t value, ErrorRef error) noexcept {
  Section section(id, Bit(Kind::kTask));
  if (!section.ok()) return section.status();
  Node* node = section.node();
  if (node->type != NodeType::kUser && node->type != NodeType::kExternal) return Status::kState;
  auto* task = static_cast<UserNode*>(node);
  return section.tree()->FinishUser(task, status, value, std::move(error));
}

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

Status Tree::FinishUser(UserNode* task, Status status, uint64_t value, ErrorRef error,
                        bool by_user) noexcept {
  if (!task->begun || task->ending) return Status::kState;
  task->ending = true;
  if (task->type == NodeType::kOffload && task->state == State::kRunning) {
    // Its own, unless it has given that back and not taken it again.
    if (clock_holds_ > 0) clock_holds_--;
    if (clock()) Poke();  // it may have waited for this, also if nobody is told
  }
  task->misused = status == Status::kCancelled && !task->was_eff;
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
  if (status != Status::kOk && !task->eff) {
    // Its own reason is from before a shield went up; its steps get another.
    if (status == Status::kCancelled && !task->error)
      task->error = CancelError(task, status, Phase::kTask);
    Cancel(task, Reason::kFinished, task->id, nullptr);
  }
  if (task->body) {
    auto* group = static_cast<Group*>(task->owner());
    group->ending = true;
    MaySettle(group);
  }
  MaySettleOwner(task);
  return Status::kOk;
}

void Tree::CloseOpenScopes(EndNode* task, bool* misnested) noexcept {
  // Those of the task's own: its children, what is in its bare scopes, and what is in the groups
  // that it has abandoned. In one that it had closed somebody may still be at work, unless the loop
  // is closing.
  Node* node = task->first_child();
  while (node) {
    const bool scope = node->type == NodeType::kScope;
    const bool group = node->type == NodeType::kGroup;
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
      MaySettle(node);
    }
    const bool closes = IsUsers(node) && !static_cast<EndNode*>(node)->ending;
    const bool inside = scope || (group && open) || (all_cancelled_ && !closes);
    Node* next = inside ? node->first_child() : nullptr;
    if (!next) {
      while (node != task && !node->next) node = node->parent;
      next = node == task ? nullptr : node->next;
    }
    node = next;
  }
}

void Tree::CompleteUser(UserNode* task) noexcept {
  // A failure comes before the cancellation that it caused, and stands behind a misuse.
  if (task->failed_step && (task->status == Status::kOk || task->status == Status::kCancelled)) {
    task->status = task->failed_step->status();
    task->error = std::move(task->failed_step);
  } else if (task->failed_step && task->misused) {
    task->error = MisuseError(task->status, std::move(task->failed_step));
  }
  if (task->status == Status::kOk && task->reached) task->status = Status::kCancelled;
  const bool limit = task->waited && task->type == NodeType::kOffload;
  CommitKept(task, limit ? Phase::kLimit : Phase::kTask);
}

bool StartBody(Operation& operation, DoneFn body, void* body_user, uint64_t value,
               BodyListener* listener) noexcept {
  Tree* tree = operation.tree_;
  Section section(*tree);
  UserNode* task = tree->NewUser(NodeType::kUser);
  if (!task) return false;
  task->body_fn = body;
  task->body_user = body_user;
  task->begin_value = value;
  task->listener = listener;
  Tail tail;
  tail.route = Route::kListener;
  return tree->StartTask(task, operation.node_, tail, true) == Status::kOk;
}

}  // namespace creche::tasks
