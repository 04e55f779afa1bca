// User tasks and external tasks: begun, notified, finished by the user.
#include <new>

#include "tasks/fast_path.h"

namespace creche::tasks {

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

bool FastSpawn(const Tail& tail, DoneFn body, void* body_user) noexcept {
  if (Context::any()) return false;
  const Section section(tail.in, Bit(Kind::kGroup));
  if (!section.ok()) return false;
  auto* group = static_cast<Group*>(section.node());
  Tree* tree = section.tree();
  return Tree::Admits(group) == Status::kOk && tree->IsFastIn(group, tail) &&
         tree->SpawnFast(group, tail, body, body_user);
}

bool FastFinish(uint64_t id, uint64_t value) noexcept {
  const Section section(id, Bit(Kind::kTask));
  if (!section.ok()) return false;
  Node* node = section.node();
  return IsFinishedByUser(node) && section.tree()->FinishFast(static_cast<UserNode*>(node), value);
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
  if (body && !owner->is_group()) return Status::kInvalid;
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
  if (!IsFinishedByUser(node)) return Status::kState;
  auto* task = static_cast<UserNode*>(node);
  return section.tree()->FinishUser(task, status, value, std::move(error));
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
