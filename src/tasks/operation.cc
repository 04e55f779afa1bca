// What operations call: completing, delivering, asking; and what other parts of a loop register.
#include "tasks/operation.h"

#include <new>
#include <utility>

#include "tasks/hold.h"
#include "tasks/tree.h"

namespace creche::tasks {

namespace {
End ToEnd(Outcome&& outcome) {
  End end;
  end.status = outcome.status;
  end.code = outcome.code;
  end.flags = outcome.owned ? kOwned : 0u;
  end.value = outcome.value;
  end.data = outcome.data;
  end.size = outcome.size;
  end.error = std::move(outcome.error);
  end.held = std::move(outcome.held);
  return end;
}
}  // namespace

void Operation::Complete(Outcome outcome) noexcept {
  CompleteWithLease(std::move(outcome), nullptr);
}

void Operation::CompleteWithLease(Outcome outcome, Lease* lease) noexcept {
  Section section(*tree_);
  node_->what = outcome.what;
  if (lease) tree_->AttachLease(lease, node_->owner());
  tree_->Commit(node_, ToEnd(std::move(outcome)));
}

bool Operation::Deliver(Outcome outcome) noexcept {
  return DeliverWithLease(std::move(outcome), nullptr);
}

bool Operation::DeliverWithLease(Outcome outcome, Lease* lease) noexcept {
  auto* entry = new (std::nothrow) MoreEntry(node_);
  if (!entry) return false;
  entry->what = outcome.what;
  entry->outcome = std::move(outcome);
  const bool queued = node_->route == Route::kDefault;  // set at the start, read-only since
  if (queued && entry->outcome.held) {
    entry->hold = KeepHeld(entry->outcome.held, *tree_);
    if (entry->hold == 0) {
      delete entry;
      return false;
    }
  }
  Section section(*tree_);
  if (lease) tree_->AttachLease(lease, node_->owner());
  if (queued) {
    tree_->Push(node_->queue, entry);
  } else if (node_->route == Route::kFunction) {
    tree_->PushReady(entry);
  } else {
    // Nobody is told of steps in between, not even a group that gathers.
    End end;
    end.flags = entry->outcome.owned ? kOwned : 0u;
    end.value = entry->outcome.value;
    end.held = std::move(entry->outcome.held);
    end.error = std::move(entry->outcome.error);
    tree_->Discard(std::move(end));
    delete entry;
  }
  return true;
}

void Operation::Rest() noexcept {
  Section section(*tree_);
  if (node_->rests) return;
  // For its owner it is one more of the leases that hold it open.
  node_->rests = true;
  node_->owner()->leases++;
  // It waits for the user, and a virtual clock may jump.
  if (std::exchange(node_->world, false)) {
    tree_->clock_gate_.world--;
    tree_->RequestWake();
  }
  tree_->QueueSettle(node_->owner());
}

bool Operation::Ask(What what, uint64_t hint, uint32_t code) noexcept {
  {
    Section section(*tree_);
    if (node_->route != Route::kDefault && node_->route != Route::kFunction) return false;
    node_->asked = true;
  }
  Outcome outcome;
  outcome.what = what;
  outcome.code = code;
  outcome.value = hint;
  return Deliver(std::move(outcome));
}

Status AnswerTask(uint64_t id, Status status, std::string bytes, bool more,
                  ErrorRef error) noexcept {
  auto* answer = new (std::nothrow) Answer;
  if (!answer) return Status::kNoMemory;
  std::unique_ptr<Answer> owned(answer);
  *answer = {status, std::move(bytes), more, std::move(error)};
  Section section(id, Bit(Kind::kTask));
  if (!section.ok()) return section.status();
  if (section.node()->type != NodeType::kOperation) return Status::kState;
  auto* task = static_cast<OperationNode*>(section.node());
  if (!task->asked || task->state != State::kRunning) return Status::kState;
  task->asked = false;
  task->answer = std::move(owned);
  section.tree()->PushEffect(task);
  return Status::kOk;
}

bool Operation::cancelled() const noexcept {
  Section section(*tree_);
  return node_->cancelled;
}

bool Operation::heard() const noexcept {
  return node_->route != Route::kNobody;
}

Loop& Operation::loop() const noexcept {
  return *tree_;
}
uint64_t Operation::task_id() const noexcept {
  return node_->id;
}

Status AddResident(Loop& loop, Resident* resident) noexcept {
  // By its handle: it may be joined meanwhile.
  Section section(static_cast<Tree&>(loop).root()->id, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  if (section.tree()->closing()) return Status::kClosed;
  section.tree()->residents_.Add(resident);
  return Status::kOk;
}

void RemoveResident(Loop& loop, Resident* resident) noexcept {
  auto& tree = static_cast<Tree&>(loop);
  Section section(tree);
  tree.RemoveResident(resident);
}

bool Operation::closed_in_line() const noexcept {
  Section section(*tree_);
  return node_->waited;
}

void TellOfClose(Loop& loop, const Resident* resident, const char* text) noexcept {
  auto& tree = static_cast<Tree&>(loop);
  Section section(tree);
  for (Node* node = tree.root(); node;) {
    if (node->type == NodeType::kOperation) {
      auto* task = static_cast<OperationNode*>(node);
      const bool ours = task->operation && task->operation->Of() == resident;
      if (ours && task->state == State::kWaiting) {
        tree.RemoveWaiting(task);
        task->waited = true;
        tree.Begin(task);
      } else if (ours && task->first_child()) {
        // Its body. Leaves below may be gone afterwards, so those are looked at only then: behind a
        // shield there may be more of ours.
        tree.Cancel(task->first_child(), Reason::kShutdown, task->id, text);
      }
    }
    Node* next = node->first_child();
    for (Node* n = node; !next && n != tree.root(); n = n->parent) next = n->next;
    node = next;
  }
}

Ref<Loop> FindLoop(uint64_t id, Status* status) noexcept {
  Section section(id, Bit(Kind::kLoop));
  *status = section.status();
  return section.ok() ? Ref<Loop>::Share(section.tree()) : nullptr;
}

Status PostTo(uint64_t loop, DoneFn fn, void* user) noexcept {
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (tree->life_.root_done_told) return Status::kClosed;
  PostEntry* entry = tree->pools_.posts.New();
  if (!entry) return Status::kNoMemory;
  entry->what = What::kPost;
  entry->fn = fn;
  entry->user = user;
  tree->counters_.posts++;
  tree->PushReady(entry);
  return Status::kOk;
}

}  // namespace creche::tasks
