// User tasks and external tasks: begun, notified, finished by the user.

#include "tasks/fast_path.h"

namespace creche::tasks {

namespace {

// Lock held. context: null if there is none anywhere.
[[gnu::noinline]] Status Spawn(Tree* tree, Node* in, const StartArgs& args, DoneFn body,
                               void* body_user, NewContext* context) noexcept {
  UserNode* task = tree->NewUser(NodeType::kUser);
  if (!task) return Status::kNoMemory;
  task->body_fn = body;
  task->body_user = body_user;
  const Status status = tree->StartTask(task, in, args, false);
  if (status == Status::kOk && context) context->GiveTo(task);
  return status;
}

[[gnu::noinline]] Status SpawnWithContext(const StartArgs& args, DoneFn body,
                                          void* body_user) noexcept {
  NewContext context(args);
  if (!context.ok()) return Status::kNoMemory;
  Section section(args.in, kScopeKinds);
  if (!section.ok()) return section.status();
  if (Status status = Tree::Admits(section.node()); status != Status::kOk) return status;
  return Spawn(section.tree(), section.node(), args, body, body_user, &context);
}

}  // namespace

bool FastSpawn(const StartArgs& args, DoneFn body, void* body_user) noexcept {
  if (Context::any()) return false;
  const Section section(args.in, Bit(Kind::kGroup));
  if (!section.ok()) return false;
  auto* group = static_cast<Group*>(section.node());
  Tree* tree = section.tree();
  return Tree::Admits(group) == Status::kOk && tree->IsFastIn(group, args) &&
         tree->SpawnFast(group, args, body, body_user);
}

bool FastFinish(uint64_t id, uint64_t value) noexcept {
  const Section section(id, Bit(Kind::kTask));
  if (!section.ok()) return false;
  Node* node = section.node();
  return IsFinishedByUser(node) && section.tree()->FinishFast(static_cast<UserNode*>(node), value);
}

Status SpawnTask(const StartArgs& args, DoneFn body, void* body_user) noexcept {
  if (args.task) *args.task = 0;
  if (args.options || Context::any()) return SpawnWithContext(args, body, body_user);
  Section section(args.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  Node* in = section.node();
  if (Status status = Tree::Admits(in); status != Status::kOk) return status;
  return Spawn(tree, in, args, body, body_user, nullptr);
}

Status OpenTask(const StartArgs& args) noexcept {
  if (args.task) *args.task = 0;
  NewContext context(args);
  if (!context.ok()) return Status::kNoMemory;
  Section section(args.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  Node* in = section.node();
  if (Status status = Tree::Admits(in); status != Status::kOk) return status;
  const bool has_queue = QueueBelow(in) || (args.options && args.options->queue != 0);
  if (args.route == Route::kToGroup || args.route == Route::kNobody ||
      (args.route == Route::kDefault && !has_queue))
    return Status::kInvalid;
  OwnerNode* owner = OwnerIn(in);
  const bool body = args.options && args.options->body;
  if (body && !owner->is_group()) return Status::kInvalid;
  if (body && static_cast<Group*>(owner)->has_body) return Status::kState;
  UserNode* task = tree->NewUser(NodeType::kExternal);
  if (!task) return Status::kNoMemory;
  task->body = task->neutral = body;
  const Status status = tree->StartTask(task, in, args, body);
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
               BodyListener* listener, const TaskOptions* options) noexcept {
  Tree* tree = operation.tree_;
  Section section(*tree);
  UserNode* task = tree->NewUser(NodeType::kUser);
  if (!task) return false;
  task->body_fn = body;
  task->body_user = body_user;
  task->begin_value = value;
  task->listener = listener;
  StartArgs args;
  args.options = options;
  args.route = Route::kListener;
  return tree->StartTask(task, operation.node_, args, true) == Status::kOk;
}

}  // namespace creche::tasks
