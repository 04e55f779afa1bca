// Bare scopes, and what can be done to any scope.
#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include "platform/fork.h"
#include "tasks/fast_path.h"
#include "tasks/label.h"

namespace creche::tasks {

namespace {

// What is not the default. False without memory.
[[gnu::noinline]] bool Prepare(Tree* tree, Scope* scope, const ScopeOptions& options) noexcept {
  scope->shield = options.shield;
  scope->move_on = options.move_on;
  return MakeLabel(&scope->label, options.name, options.site) &&
         tree->PrepareDeadline(scope, options.timeout, options.deadline);
}

// The nearest up to and including the first shield. A start ends with either of its sides, so both
// count; each target is looked at once, however many starts it is in.
Nanos EffectiveDeadline(const Node* scope) noexcept {
  Nanos nearest = kNever;
  std::vector<const Node*> targets;
  size_t looked_at = 0;
  while (scope) {
    nearest = std::min(nearest, scope->deadline);
    const Node* next = scope->shield ? nullptr : scope->parent;
    if (next && scope->is_start()) {
      const Node* target = static_cast<const StartNode*>(scope)->target;
      try {
        if (target && std::find(targets.begin(), targets.end(), target) == targets.end())
          targets.push_back(target);
      } catch (const std::bad_alloc&) {  // then without what its target says
      }
    }
    if (!next && looked_at < targets.size()) next = targets[looked_at++];
    scope = next;
  }
  return nearest;
}

}  // namespace

void Scope::Destroy(Tree& tree, Node* node) noexcept {
  tree.pools_.scopes.Delete(static_cast<Scope*>(node));
}

Doing Scope::Describe(const Node* node) noexcept {
  return node->leaving ? Doing{"leaving", "what is in it"} : Doing{"open", nullptr};
}

uint64_t FastOpenScope(uint64_t in) noexcept {
  const Locked locked(in, kScopeKinds);
  if (!locked.ok()) return 0;
  return static_cast<Tree*>(locked.domain()->owner)->OpenScopeFast(locked.As<Node>());
}

bool FastLeaveScope(uint64_t id) noexcept {
  const Section section(id, Bit(Kind::kScope));
  return section.ok() && section.tree()->LeaveScopeFast(static_cast<Scope*>(section.node()));
}

Status OpenScope(uint64_t in, const ScopeOptions* options, uint64_t* id) noexcept {
  *id = 0;
  Section section(in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  Node* around = section.node();
  if (Status status = tree->AdmitsOpen(around); status != Status::kOk) return status;
  Scope* scope = tree->pools_.scopes.New();
  if (!scope) return Status::kNoMemory;
  scope->id = AddSlot(tree->domain(), Kind::kScope, static_cast<Node*>(scope));
  if (scope->id == 0 || (options && !Prepare(tree, scope, *options))) [[unlikely]] {
    if (scope->id != 0) EndSlot(tree->domain(), scope->id);
    tree->Free(scope);
    return Status::kNoMemory;
  }
  scope->outside = OwnerIn(around);
  if ((scope->queue = QueueBelow(around))) scope->queue->refs++;
  tree->Link(scope, around, scope->shield);
  tree->counters_.scopes++;
  tree->Note(EventType::kSpawned, scope);
  if (scope->deadline != kNever) tree->StartDeadline(scope);
  *id = scope->id;
  return Status::kOk;
}

Status LeaveScope(uint64_t id, LeaveOutcome* outcome) noexcept {
  Section section(id, kScopeKinds);
  if (!section.ok()) return section.status();
  if (section.node()->left_open) section.node()->left_open = false;
  if (!section.node()->is_scope()) return Status::kState;
  auto* scope = static_cast<Scope*>(section.node());
  if (scope->leaving) return Status::kState;
  if (scope->below.live == 0) {
    section.tree()->LeaveNow(scope, outcome);
    return Status::kOk;
  }
  if (outcome) return Status::kBusy;
  scope->leaving = true;
  return Status::kOk;
}

Status CancelScope(uint64_t id, const char* text) noexcept {
  char cut[128];
  if (text) {
    // Cut at a character, not inside one.
    size_t n = strnlen(text, sizeof cut);
    if (n == sizeof cut) {
      n = sizeof cut - 1;
      while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) n--;
    }
    memcpy(cut, text, n);
    cut[n] = '\0';
  }
  Section section(id, kScopeKinds);
  if (!section.ok()) return section.status();
  if (IsOver(section.node())) return Status::kEnded;
  section.tree()->Cancel(section.node(), Reason::kExplicit, id, text ? cut : nullptr);
  return Status::kOk;
}

Status InterruptScope(uint64_t id) noexcept {
  Status status;
  Domain* domain = PeekDomain(id, kScopeKinds, &status);
  if (!domain) return status;
  for (auto& place : domain->interrupts) {
    uint64_t held = 0;
    if (!place.compare_exchange_strong(held, id) && held != id) continue;
    domain->interrupted.store(true);
    domain->Wake();
    return Status::kOk;
  }
  return Status::kLimit;
}

Status MoveDeadline(uint64_t id, Nanos deadline) noexcept {
  Section section(id, kScopeKinds);
  if (!section.ok()) return section.status();
  if (IsOver(section.node())) return Status::kEnded;
  return section.tree()->SetDeadline(section.node(), deadline);
}

Status MoveTimeout(uint64_t id, Nanos timeout) noexcept {
  Section section(id, kScopeKinds);
  if (!section.ok()) return section.status();
  if (IsOver(section.node())) return Status::kEnded;
  Tree* tree = section.tree();
  return tree->SetDeadline(section.node(), After(tree->now(), timeout));
}

Status ShieldScope(uint64_t id, bool shield) noexcept {
  Section section(id, kScopeKinds);
  if (!section.ok()) return section.status();
  if (IsOver(section.node())) return Status::kEnded;
  if (section.node()->is_root()) return Status::kInvalid;
  section.tree()->SetShield(section.node(), shield);
  return Status::kOk;
}

Status GetScopeState(uint64_t id, ScopeState* state) noexcept {
  Section section(id, kScopeKinds);
  if (!section.ok()) return section.status();
  if (IsOver(section.node())) return Status::kEnded;
  const Node* scope = section.node();
  state->called = scope->cancel_called;
  state->effective = scope->cancelled;
  state->shield = scope->shield;
  state->reached = scope->reached;
  state->reason = scope->cancelled ? ReasonOf(scope) : Reason::kNone;
  const bool visible = !scope->shield && scope->parent && scope->parent->cancelled;
  state->caught = scope->cancel_called && !visible && scope->reached;
  state->live = 0;
  if (!scope->is_leaf()) state->live = scope->branch()->live;
  if (!scope->is_scope() && !scope->is_leaf())
    state->live += static_cast<const OwnerNode*>(scope)->leases;
  state->deadline = scope->deadline;
  state->effective_deadline = INT64_MIN;
  if (!scope->cancelled) {
    state->effective_deadline = EffectiveDeadline(scope);
  }
  return Status::kOk;
}

Status ReadClock(uint64_t id, Nanos* now) noexcept {
  Section section(id, kScopeKinds);
  if (!section.ok()) return section.status();
  *now = section.tree()->now();
  return Status::kOk;
}

}  // namespace creche::tasks
