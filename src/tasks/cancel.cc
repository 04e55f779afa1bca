// Cancellation: what is effectively cancelled, and whom that reaches. No recursion: trees may be
// deep.
#include <new>

#include "core/utf8.h"
#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// A node has become effectively cancelled: what happens to it. May free it, if it is a leaf.
void Reach(Tree& tree, Node* node) {
  switch (node->type) {
    case NodeType::kScope:
      return;
    case NodeType::kRoot:
    case NodeType::kGroup: {
      tree.ArmGrace(static_cast<Group*>(node));
      tree.MaySettle(node);
      return;
    }
    case NodeType::kStart:
    default:
      break;
  }
  auto* task = static_cast<EndNode*>(node);
  task->was_eff = true;
  if (task->state == State::kNew || task->state == State::kCommitted) return;
  if (task->state == State::kWaiting) {
    task->waited = true;
    tree.RemoveWaiting(task);
    return tree.Begin(task, task->type == NodeType::kStart);
  }
  switch (task->type) {
    case NodeType::kSleep:
      return tree.CommitCancelled(task, Phase::kNone);
    case NodeType::kWait:
      return tree.CancelWait(static_cast<WaitNode*>(task));
    case NodeType::kOperation:
      // Not started yet: it never will be, even if a shield goes up before the loop looks.
      if (task->state == State::kStarting) {
        if (!tree.DropsInOrder(task)) tree.CommitCancelled(task, Phase::kNone);
        return;
      }
      [[fallthrough]];
    case NodeType::kOffload:
      task->tell_cancel = true;
      tree.PushEffect(task);
      return;
    case NodeType::kUser:
    case NodeType::kExternal: {
      auto* user = static_cast<UserNode*>(task);
      if (user->ending)
        tree.MaySettle(user);
      else if (user->begun)
        tree.Notify(user, user->cancel(), What::kCancel);
      return;
    }
    default:
      return;
  }
}

// A group's pending starts stand elsewhere in the tree.
void RememberStarts(Tree& tree, Node* node) {
  if (node->type != NodeType::kGroup) return;
  auto* group = static_cast<Group*>(node);
  if (!group->first_start || group->spreading) return;
  group->spreading = true;
  group->spread_next = tree.spread_;
  tree.spread_ = group;
}

// Why it is cancelled if not for a reason of its own.
Ref<Cause> CauseAround(const Node* node) {
  if (node->shield) return nullptr;
  if (node->parent->eff || node->type != NodeType::kStart) return node->parent->cause;
  const Group* target = static_cast<const StartNode*>(node)->target;
  return target ? target->cause : nullptr;
}

// Sets what EffOf says. True if it has changed.
bool SetEff(Tree& tree, Node* node) {
  const bool eff = EffOf(node);
  if (eff == node->eff) return false;
  node->eff = eff;
  if (eff) node->cause = CauseAround(node);
  RememberStarts(tree, node);
  return true;
}

// Recomputes `eff` below `top`, whose own has just changed.
void Spread(Tree& tree, Node* top) {
  Node* node = top->first_child();
  while (node) {
    const bool changed = SetEff(tree, node);
    const bool eff = node->eff;
    // The next one first: a leaf may be gone after Reach.
    Node* next = changed ? node->first_child() : nullptr;
    if (!next) {
      Node* up = node;
      while (up != top && !up->next) up = up->parent;
      next = up == top ? nullptr : up->next;
    }
    if (changed && eff) Reach(tree, node);
    node = next;
  }
}

std::string Explain(const Cause* cause, Status status, Phase phase) {
  std::string text = status == Status::kTimeout ? "timed out" : "cancelled";
  if (phase != Phase::kNone) text += std::string(" in phase ") + PhaseName(phase);
  if (!cause) return text;
  switch (cause->reason) {
    case Reason::kDeadline:
      return text + ": a deadline passed; allow more time or start earlier";
    case Reason::kExplicit:
      return text + (cause->text.empty() ? ": creche_scope_cancel" : ": " + cause->text);
    case Reason::kSibling:
      return text + ": a sibling failed; see the group's error for why";
    case Reason::kRace:
      return text + ": a sibling won the race";
    case Reason::kShutdown:
      return text + ": " + (cause->text.empty() ? "the loop is closing" : cause->text);
    case Reason::kInterrupt:
      return text + ": interrupted by a signal";
    case Reason::kFinished:
      return text + ": its task finished with a failure";
    case Reason::kMisnested:
      return text + ": its task finished and left this open";
    case Reason::kNone:
      break;
  }
  return text;
}

}  // namespace

void Tree::Cancel(Node* node, Reason reason, uint64_t by, const char* text) noexcept {
  if (node->called) return;
  node->called = true;
  node->called_by = reason;
  deadlines_.Disarm(node->expiry());
  // The first reason sticks; one from before a shield went up is over.
  if (!node->eff || !node->cause) SetCause(node, reason, by, text);
  Note(EventType::kCancelled, node);
  if (node->eff) return;
  node->eff = true;
  RememberStarts(*this, node);
  SpreadBelow(node);
}

// `top` has changed: so may all below, and the starts that are pending on groups there, and all
// below those. top may be gone afterwards, if there is nothing below it.
void Tree::SpreadBelow(Node* top) noexcept {
  const bool alone = !top->first_child();
  if (top->eff) Reach(*this, top);  // before what is below, as everywhere
  if (!alone) Spread(*this, top);
  while (Group* group = spread_) {
    spread_ = group->spread_next;
    group->spreading = false;
    for (StartNode *start = group->first_start, *next; start; start = next) {
      next = start->target_next;
      if (!SetEff(*this, start)) continue;
      if (start->eff) Reach(*this, start);
      Spread(*this, start);
    }
  }
}

void Tree::UpdateEff(Node* node) noexcept {
  if (SetEff(*this, node)) SpreadBelow(node);
}

void Tree::SetCause(Node* node, Reason reason, uint64_t by, const char* text) noexcept {
  node->cause = nullptr;
  try {
    auto cause = MakeRef<Cause>();
    cause->reason = reason;
    cause->by = by;
    if (text) {
      cause->text = text;
      MakeUtf8(&cause->text);  // it goes into messages and to hooks
    }
    node->cause = std::move(cause);
  } catch (const std::bad_alloc&) {  // cancelled all the same
  }
}

void Tree::ArmGrace(Group* group) noexcept {
  if (group->grace == kNever) return;
  try {
    graces_.Arm(static_cast<Grace*>(group), After(now(), group->grace));
    Poke();
  } catch (const std::bad_alloc&) {  // nobody is named, nothing else is lost
  }
}

void Tree::SetShield(Node* node, bool shield) noexcept {
  if (node->shield == shield) return;
  node->shield = shield;
  // Groups around it that were cancelled long ago give what is reached only now their grace too.
  if (EffOf(node) && !node->eff)
    for (Node* up = node->parent; up && up->eff; up = up->parent)
      if (up->type == NodeType::kGroup && !static_cast<Grace*>(static_cast<Group*>(up))->armed())
        ArmGrace(static_cast<Group*>(up));
  UpdateEff(node);
}

Status Tree::SetDeadline(Node* node, Nanos deadline) noexcept {
  if (node->called) return Status::kCancelled;
  if (deadline <= now()) {
    node->deadline = deadline;
    Cancel(node, Reason::kDeadline, node->id, nullptr);
    return Status::kOk;
  }
  try {
    deadlines_.Arm(node->expiry(), deadline);
  } catch (const std::bad_alloc&) {
    return Status::kNoMemory;
  }
  node->deadline = deadline;
  if (deadlines_.next() == deadline) Poke();
  return Status::kOk;
}

ErrorRef Tree::CancelError(const Node* node, Status status, Phase phase) noexcept {
  Cause* cause = node->cause.get();
  if (status == Status::kTimeout && cause && cause->by != node->id)
    cause = nullptr;  // an older one
  if (cause && cause->made && cause->made->status() == status && cause->made->phase() == phase)
    return cause->made;
  try {
    ErrorInfo info{.status = status, .phase = phase, .message = Explain(cause, status, phase)};
    if (cause) {
      info.reason = cause->reason;
      info.by = cause->by;
      info.reason_text = cause->text;
    } else if (status == Status::kTimeout) {
      info.reason = Reason::kDeadline;
      info.by = node->id;
    }
    ErrorRef error = MakeError(std::move(info));
    if (cause) cause->made = error;
    return error;
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::tasks
