#include "tasks/node/wait_node.h"

#include <utility>

#include "tasks/tree.h"
#include "tasks/waitable/waitable.h"

namespace creche::tasks {

WaitNode* WaitNode::New(Waitable* on) noexcept {
  WaitNode* wait = on->tree->pools_.waits.New();
  if (!wait) return nullptr;
  wait->on = on;
  on->refs++;
  return wait;
}

void WaitNode::Free() noexcept {
  Waitable* from = on;
  from->Leave(this);
  from->tree->pools_.waits.Delete(this);
  from->Unref();
}

void WaitNode::Begin(Tree& tree, EndNode* task) noexcept {
  auto* wait = static_cast<WaitNode*>(task);
  wait->state = State::kRunning;
  if (wait->cancelled) return Reach(tree, wait);
  wait->on->Enter(wait);
}

void WaitNode::Reach(Tree& tree, EndNode* task) noexcept {
  auto* wait = static_cast<WaitNode*>(task);
  wait->on->Leave(wait);
  wait->DiscardUnsent();
  tree.CommitCancelled(wait, wait->waited ? Phase::kLimit : wait->on->phase);
}

void WaitNode::Destroy(Tree&, Node* node) noexcept {
  static_cast<WaitNode*>(node)->Free();
}

Doing WaitNode::Describe(const Node* node) noexcept {
  const auto* wait = static_cast<const WaitNode*>(node);
  return {"waiting", wait->on->WaitName(wait)};
}

void WaitNode::Fail(const ErrorRef& why) noexcept {
  on->Leave(this);
  DiscardUnsent();
  on->tree->Commit(this, {.status = why->status(), .error = why});
}

void WaitNode::Succeed(uint64_t with) noexcept {
  value = with;
  on->tree->CommitStored(this);  // all else is as in a new one
}

void WaitNode::DiscardUnsent() noexcept {
  std::unique_ptr<ItemGuard> unsent = std::move(guard);
  if (!sends || !unsent) return;
  End end;
  unsent->Arm(item);
  end.held = std::move(unsent);
  on->tree->Discard(std::move(end));
}

void WaitNode::LoseItem() noexcept {
  if (!in_flight || what == What::kEnd || !guard) return;
  guard->Arm(value);
  held = std::move(guard);
}

void WaitNode::NoteTold() noexcept {
  if (!receives || told) return;
  told = true;
  if (in_flight) on->Leave(this);
  if (route != Route::kDefault) return;
  guard.reset();
  Domain* domain = on->tree->domain();
  if (place_id != 0) EndSlot(domain, place_id);
  // That has just made room for this.
  if (!holds_place || (place_id = AddSlot(domain, Kind::kPlace, static_cast<EndNode*>(this))) != 0)
    return;
  holds_place = false;
  on->tree->Uncount(this);
}

// In a queue it counts nowhere any more, and what it was in may be gone.
void WaitNode::Undo() noexcept {
  Tree* tree = on->tree;
  what = What::kDone;
  value = 0;
  status = Status::kCancelled;
  if (!cancel_called) {
    cancel_called = true;
    called_by = Reason::kExplicit;
    Tree::SetCause(this, Reason::kExplicit, id, nullptr);
  }
  if (route == Route::kFunction) return tree->GiveReason(this, on->phase);
  flags |= kCaught;
  error = Tree::CancelError(this, Status::kCancelled, on->phase);
  tree->counters_.cancelled++;
}

}  // namespace creche::tasks
