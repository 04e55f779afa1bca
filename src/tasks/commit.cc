// Ends: results are committed, counted and routed.

#include "tasks/hold.h"
#include "tasks/tree.h"

namespace creche::tasks {

namespace {

bool IsFailure(Status status) {
  return status != Status::kOk && status != Status::kCancelled;
}

}  // namespace

void Tree::CommitCancelled(EndNode* task, Phase phase) noexcept {
  task->status = Status::kCancelled;
  CommitStored(task, phase);
}

void Tree::Commit(EndNode* task, End end) noexcept {
  Phase phase = Phase::kNone;
  if (end.status == Status::kCancelled) phase = static_cast<Phase>(std::exchange(end.code, 0));
  StoreEnd(task, std::move(end));
  CommitStored(task, phase);
}

void Tree::CommitStored(EndNode* task, Phase phase) noexcept {
  CommitSilently(task, phase);
  DeliverEnd(task);
}

void Tree::CommitSilently(EndNode* task, Phase phase) noexcept {
  task->state = State::kCommitted;
  made_progress_ = true;
  effects_.Remove(task);
  if (task->expiry()->armed()) timers_.expiries.Disarm(task->expiry());
  if (task->status != Status::kOk) GiveReason(task, phase);
  Unlink(task);
  CountEnd(task);
  if (const auto committed = OpsOf(task).committed) committed(*this, task);
  counters_.ended++;
  Note(EventType::kEnded, task, task->status);
}

void Tree::GiveReason(EndNode* task, Phase phase) noexcept {
  if (task->status == Status::kCancelled) {
    const bool visible = !task->shield && task->parent->cancelled;
    // One that finished as cancelled has cancelled its steps, not itself. A start whose child was
    // cancelled alone or with its target has told its starter so: nothing around the starter has to
    // catch that.
    const bool own = task->cancel_called && task->called_by != Reason::kFinished;
    const bool elsewhere = task->is_start() && static_cast<StartNode*>(task)->elsewhere;
    if ((own || elsewhere) && !visible) {
      task->flags |= kCaught;
      if (own && task->called_by == Reason::kDeadline && !task->move_on) {
        task->status = Status::kTimeout;
        // That of its child was only cancelled.
        if (task->is_start()) task->error = nullptr;
      }
    } else {
      task->parent->reached = true;
      task->flags |= kPassing;
    }
    if (!task->error) task->error = CancelError(task, task->status, phase);
    if (task->status == Status::kCancelled) counters_.cancelled++;
  } else if (!task->error) {
    task->error = MakeError(task->status, Phase::kTask, StatusName(task->status));
  }
}

void Tree::CountOtherEnd(EndNode* child, OwnerNode* owner) noexcept {
  if (owner->is_start()) return ChildOfStartEnded(static_cast<StartNode*>(owner), child);
  if (IsFailure(child->status)) {
    if (const auto child_failed = OpsOf(owner).child_failed) child_failed(*this, owner, child);
    return;
  }
  if (child->status != Status::kOk || !owner->is_group() || child->neutral) return;
  auto* group = static_cast<Group*>(owner);
  if (group->policy != Policy::kRace || group->won) return;
  group->won = true;
  Cancel(group, Reason::kRace, child->id, nullptr);
}

void Tree::DeliverEnd(EndNode* node) noexcept {
  switch (node->route) {
    case Route::kFunction:
    case Route::kListener:
      return PushReady(node);
    case Route::kDefault: {
      EndId(node);
      // Its id has just made room for the next one.
      if (node->is_wait() && static_cast<WaitNode*>(node)->receives)
        node->place_id = AddSlot(domain_, Kind::kReceived, static_cast<WaitNode*>(node));
      else if (node->holds_place && (node->place_id = AddSlot(domain_, Kind::kPlace, node)) == 0)
        node->holds_place = false;
      KeepData(node);
      Queue* queue = node->queue;
      queue->accepted--;
      if (!node->holds_place) Uncount(node);
      queue->refs++;  // a released queue goes with its last node
      Push(queue, node);
      EndQueueIfDone(queue);
      return UnrefQueue(queue);
    }
    case Route::kToGroup: {
      // The child of a start that has never moved is told of in the group that it was meant for.
      OwnerNode* owner = node->owner();
      auto* group =
          owner->is_start() ? static_cast<StartNode*>(owner)->target : static_cast<Group*>(owner);
      KeepData(node);
      Completion& c = group->gathered->completions[node->gather_index];
      Fill(node, &c);
      if (node->error) static_cast<void>(node->error.Leak());
      if (const Details* details = DetailsOf(node)) c.hold = details->hold;
      break;
    }
    case Route::kNobody:
      DiscardEnd(node);
      break;
  }
  Uncount(node);
  Retire(node);
}

// What the data of a result points into gets a handle; without memory the result is lost, and says
// so.
void Tree::KeepData(EndNode* node) noexcept {
  Details* details = DetailsOf(node);
  if (!details || !details->held || (details->hold = KeepHeld(details->held, *this)) != 0) return;
  Discard(TakeEnd(node));
  StoreEnd(node, {.status = Status::kNoMemory, .error = NoMemoryError()});
}

void Tree::StoreEnd(EndNode* node, End&& end) noexcept {
  node->status = end.status;
  node->flags = end.flags;
  node->error = std::move(end.error);
  if (ResultNode* result = ResultOf(node)) result->value = end.value;
  Details* details = DetailsOf(node);
  if (!details) return;
  details->code = end.code;
  details->data = end.data;
  details->size = end.size;
  details->held = std::move(end.held);
}

End Tree::TakeEnd(EndNode* node) noexcept {
  End end;
  end.status = node->status;
  end.flags = node->flags;
  end.error = std::move(node->error);
  if (const ResultNode* result = ResultOf(node)) end.value = result->value;
  Details* details = DetailsOf(node);
  if (!details) return end;
  end.code = details->code;
  end.data = details->data;
  end.size = details->size;
  end.held = std::move(details->held);
  return end;
}

void Tree::Fill(const EndNode* node, Completion* c) noexcept {
  *c = {};
  c->status = static_cast<int32_t>(node->status);
  c->kind = static_cast<uint32_t>(node->what);
  c->flags = node->flags;
  c->error = node->error ? &node->error->fields() : nullptr;
  c->user = node->user;
  c->task = node->id;
  if (const ResultNode* result = ResultOf(node)) c->value = result->value;
  const Details* details = DetailsOf(node);
  if (!details) return;
  c->code = details->code;
  c->data = details->data;
  c->data_size = details->size;
}

}  // namespace creche::tasks
