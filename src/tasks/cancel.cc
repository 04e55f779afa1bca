// Cancellation: what is effectively cancelled, and whom that reaches. No recursion: trees may be
// deep.
#include <new>

#include "core/utf8.h"
#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// A node has become effectively cancelled: what happens to it. May free it, if it is a leaf.
void Reach(Tree& tree, Node* node) {
  if (node->is_scope()) return;
  auto* end = static_cast<EndNode*>(node);
  if (end->is_task()) {
    end->was_cancelled = true;
    if (end->state == State::kNew || end->state == State::kCommitted) return;
    if (end->state == State::kWaiting) {
      end->waited = true;
      tree.RemoveWaiting(end);
      return tree.Begin(end, end->is_start());
    }
  }
  if (const auto reach = OpsOf(end).reach) reach(tree, end);
}

// A group's pending starts stand elsewhere in the tree.
void RememberStarts(Tree& tree, Node* node) {
  if (!node->is_group()) return;
  auto* group = static_cast<Group*>(node);
  if (group->starts.empty() || group->spreading) return;
  group->spreading = true;
  group->spread_next = tree.spread_;
  tree.spread_ = group;
}

// Why it is cancelled if not for a reason of its own.
Ref<Cause> CauseAround(const Node* node) {
  if (node->shield) return nullptr;
  if (node->parent->cancelled || !node->is_start()) return node->parent->cause;
  const Group* target = static_cast<const StartNode*>(node)->target;
  return target ? target->cause : nullptr;
}

// Sets what OughtToBeCancelled says. True if it has changed.
bool SetCancelled(Tree& tree, Node* node) {
  const bool cancelled = OughtToBeCancelled(node);
  if (cancelled == node->cancelled) return false;
  node->cancelled = cancelled;
  if (cancelled) node->cause = CauseAround(node);
  RememberStarts(tree, node);
  return true;
}

// Recomputes `cancelled` below `top`, whose own has just changed.
void Spread(Tree& tree, Node* top) {
  Node* node = top->first_child();
  while (node) {
    const bool changed = SetCancelled(tree, node);
    const bool cancelled = node->cancelled;
    // The next one first: a leaf may be gone after Reach.
    Node* next = changed ? node->first_child() : nullptr;
    if (!next) {
      Node* up = node;
      while (up != top && !up->next) up = up->parent;
      next = up == top ? nullptr : up->next;
    }
    if (changed && cancelled) Reach(tree, node);
    node = next;
  }
}

std::string TextOf(const Cause* cause, Status status, Phase phase) {
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
  if (node->cancel_called) return;
  node->cancel_called = true;
  node->called_by = reason;
  timers_.expiries.Disarm(node->expiry());
  // The first reason sticks; one from before a shield went up is over.
  if (!node->cancelled || !node->cause) SetCause(node, reason, by, text);
  Note(EventType::kCancelled, node);
  if (node->cancelled) return;
  node->cancelled = true;
  RememberStarts(*this, node);
  SpreadBelow(node);
}

// `top` has changed: so may all below, and the starts that are pending on groups there, and all
// below those. top may be gone afterwards, if there is nothing below it.
void Tree::SpreadBelow(Node* top) noexcept {
  const bool alone = !top->first_child();
  if (top->cancelled) Reach(*this, top);  // before what is below, as everywhere
  if (!alone) Spread(*this, top);
  while (Group* group = spread_) {
    spread_ = group->spread_next;
    group->spreading = false;
    for (StartNode *start = group->starts.first(), *next; start; start = next) {
      next = group->starts.Next(start);
      if (!SetCancelled(*this, start)) continue;
      if (start->cancelled) Reach(*this, start);
      Spread(*this, start);
    }
  }
}

void Tree::UpdateCancelled(Node* node) noexcept {
  if (SetCancelled(*this, node)) SpreadBelow(node);
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
    timers_.graces.Arm(static_cast<Grace*>(group), After(now(), group->grace));
    RequestWake();
  } catch (const std::bad_alloc&) {  // nobody is named, nothing else is lost
  }
}

void Tree::SetShield(Node* node, bool shield) noexcept {
  if (node->shield == shield) return;
  node->shield = shield;
  // Groups around it that were cancelled long ago give what is reached only now their grace too.
  if (OughtToBeCancelled(node) && !node->cancelled)
    for (Node* up = node->parent; up && up->cancelled; up = up->parent)
      if (up->is_group() && !static_cast<Grace*>(static_cast<Group*>(up))->armed())
        ArmGrace(static_cast<Group*>(up));
  UpdateCancelled(node);
}

Status Tree::SetDeadline(Node* node, Nanos deadline) noexcept {
  if (node->cancel_called) return Status::kCancelled;
  if (deadline <= now()) {
    node->deadline = deadline;
    Cancel(node, Reason::kDeadline, node->id, nullptr);
    return Status::kOk;
  }
  try {
    timers_.expiries.Arm(node->expiry(), deadline);
  } catch (const std::bad_alloc&) {
    return Status::kNoMemory;
  }
  node->deadline = deadline;
  if (timers_.expiries.next() == deadline) RequestWake();
  return Status::kOk;
}

ErrorRef Tree::CancelError(const Node* node, Status status, Phase phase) noexcept {
  Cause* cause = node->cause.get();
  if (status == Status::kTimeout && cause && cause->by != node->id)
    cause = nullptr;  // an older one
  if (cause && cause->made && cause->made->status() == status && cause->made->phase() == phase)
    return cause->made;
  try {
    ErrorInfo info{.status = status, .phase = phase, .message = TextOf(cause, status, phase)};
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
