// Tasks that wait: how they begin and end, and the life of what they wait on.
#include "tasks/wait.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "tasks/meeting.h"

namespace creche::tasks {

Waitable::~Waitable() {
  free(name);
}

Meeting::Meeting(uint64_t object, Kind kind, uint64_t in, uint64_t* culprit) noexcept
    : section_(object, Bit(kind)) {
  *culprit = object;
  status_ = section_.status();
  if (status_ != Status::kOk) return;
  *culprit = in;
  in_ = static_cast<Node*>(FindHere(section_.tree()->domain(), in, kScopeKinds, &status_));
  if (in_) status_ = Tree::Admits(in_);
}

Status Tree::AddWaitable(Waitable* waitable, const char* name) noexcept {
  if (closing()) return Status::kClosed;
  if (name && !(waitable->name = strdup(name))) return Status::kNoMemory;
  waitable->tree = this;
  waitable->next_waitable = waits_.all;
  if (waits_.all) waits_.all->prev_waitable = waitable;
  waits_.all = waitable;
  return Status::kOk;
}

void Tree::UnrefWaitable(Waitable* waitable) noexcept {
  if (--waitable->refs != 0) return;
  (waitable->prev_waitable ? waitable->prev_waitable->next_waitable : waits_.all) =
      waitable->next_waitable;
  if (waitable->next_waitable) waitable->next_waitable->prev_waitable = waitable->prev_waitable;
  delete waitable;
}

void Waitable::EndIds() noexcept {
  if (id != 0) EndSlot(tree->domain(), id);
}

// After the last callback, and after what was in queues is gone: nobody waits any more.
void Tree::DropWaitables() noexcept {
  Waitable* first;
  {
    Section section(*this);
    first = std::exchange(waits_.all, nullptr);
    for (Waitable* each = first; each; each = each->next_waitable) each->EndIds();
  }
  while (first) {
    Waitable* next = first->next_waitable;
    first->LoopEnded();
    delete first;
    first = next;
  }
}

WaitNode* Tree::NewWait(Waitable* on) noexcept {
  WaitNode* wait = waits_.nodes.New();
  if (!wait) return nullptr;
  wait->on = on;
  on->refs++;
  return wait;
}

void Tree::BeginWait(WaitNode* wait) noexcept {
  wait->state = State::kRunning;
  if (wait->eff) return CancelWait(wait);
  wait->on->Enter(wait);
}

void Tree::CancelWait(WaitNode* wait) noexcept {
  wait->on->Leave(wait);
  DropUnsent(wait);
  CommitCancelled(wait, wait->waited ? Phase::kLimit : wait->on->phase);
}

void Tree::FailWait(WaitNode* wait, const ErrorRef& error) noexcept {
  wait->on->Leave(wait);
  DropUnsent(wait);
  Commit(wait, {.status = error->status(), .error = error});
}

void Tree::DropUnsent(WaitNode* wait) noexcept {
  std::unique_ptr<ItemGuard> guard = std::move(wait->guard);
  if (!wait->sends || !guard) return;
  End end;
  guard->Arm(wait->item);
  end.held = std::move(guard);
  Discard(std::move(end));
}

void Tree::TellWait(WaitNode* wait) noexcept {
  if (!wait->receives || wait->told) return;
  wait->told = true;
  if (wait->came) wait->on->Leave(wait);
  if (wait->route != Route::kDefault) return;
  wait->guard.reset();
  if (wait->seat != 0) EndSlot(domain_, wait->seat);
  // That has just made room for this.
  if (!wait->seated ||
      (wait->seat = AddSlot(domain_, Kind::kSeat, static_cast<EndNode*>(wait))) != 0)
    return;
  wait->seated = false;
  Uncount(wait);
}

// In a queue it counts nowhere any more, and what it was in may be gone.
void Tree::Undo(WaitNode* wait) noexcept {
  wait->what = What::kDone;
  wait->value = 0;
  wait->status = Status::kCancelled;
  if (!wait->called) {
    wait->called = true;
    wait->called_by = Reason::kExplicit;
    SetCause(wait, Reason::kExplicit, wait->id, nullptr);
  }
  if (wait->route == Route::kFunction) return GiveReason(wait, wait->on->phase);
  wait->flags |= kCaught;
  wait->error = CancelError(wait, Status::kCancelled, wait->on->phase);
  counters_.cancelled++;
}

void Tree::FreeWait(WaitNode* wait) noexcept {
  Waitable* on = wait->on;
  on->Leave(wait);
  waits_.nodes.Delete(wait);
  UnrefWaitable(on);
}

}  // namespace creche::tasks
