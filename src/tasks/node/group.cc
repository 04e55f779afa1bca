// Groups: what the ends of children do to them, and how they end.
#include "tasks/node/group.h"

#include <cstdio>
#include <new>
#include <utility>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {

ErrorRef ErrorOf(const Group* group) noexcept {
  try {
    ErrorInfo info{.status = Status::kGroup};
    info.children = group->errors;
    info.children_dropped = group->errors_dropped;
    const size_t n = group->errors.size() + group->errors_dropped;
    info.message = std::to_string(n) + (n == 1 ? " child failed" : " children failed");
    if (!group->errors.empty()) {
      // Cut: groups in groups would repeat it again and again.
      constexpr int kQuoted = 200;
      char quoted[kQuoted + 1];
      snprintf(quoted, sizeof quoted, "%s", group->errors[0]->message());
      info.message += std::string(n == 1 ? "; it says: " : "; the first says: ") + quoted;
    }
    if (ReasonOf(group) != Reason::kNone) {
      info.reason = group->cause->reason;
      info.by = group->cause->by;
    }
    return MakeError(std::move(info));
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void HandOutGathered(Group* group, End* end) noexcept {
  const std::vector<Completion>& completions = group->gathered->completions;
  end->data = completions.data();
  end->size = completions.size() * sizeof(Completion);
  end->value = completions.size();
  end->held = std::move(group->gathered);
}

}  // namespace

void Group::Reach(Tree& tree, EndNode* node) noexcept {
  tree.ArmGrace(static_cast<Group*>(node));
  tree.QueueSettle(node);
}

void Group::Emptied(Tree& tree, OwnerNode* group) noexcept {
  tree.FinishGroup(static_cast<Group*>(group));
}

void Group::RootEmptied(Tree& tree, OwnerNode*) noexcept {
  tree.RequestWake();
}

void Group::ChildFailed(Tree& tree, OwnerNode* owner, EndNode* child) noexcept {
  auto* group = static_cast<Group*>(owner);
  if (group->policy == Policy::kCollect) return;
  if (group->errors.size() < group->max_errors) {
    try {
      group->errors.push_back(child->error);
    } catch (const std::bad_alloc&) {
      group->errors_dropped++;
    }
  } else {
    group->errors_dropped++;
  }
  if (group->policy == Policy::kFailFast) tree.Cancel(group, Reason::kSibling, child->id, nullptr);
}

void Group::RootChildFailed(Tree& tree, OwnerNode*, EndNode* child) noexcept {
  if (child->route == Route::kNobody) tree.counters_.unobserved++;
}

bool Group::KeepsErrors(const Node* node) noexcept {
  const auto* group = static_cast<const Group*>(node);
  return !group->errors.empty() || group->outcome_error;
}

void Group::DropErrors(Node* node) noexcept {
  static_cast<Group*>(node)->errors.clear();
  static_cast<Group*>(node)->outcome_error = nullptr;
}

void Group::Destroy(Tree& tree, Node* node) noexcept {
  tree.pools_.groups.Delete(static_cast<Group*>(node));
}

Doing Group::Describe(const Node* node) noexcept {
  const auto* owner = static_cast<const OwnerNode*>(node);
  if (!owner->ending) return {"open", nullptr};
  if (owner->below.pending == 0) return {"closed", nullptr};
  return {"closed", owner->below.pending == owner->leases ? "its leases" : "its children"};
}

void Tree::FinishGroup(Group* group) noexcept {
  const bool visible = !group->shield && group->parent->cancelled;
  const bool caught = group->cancel_called && !visible && group->reached;
  const bool failed = (!group->errors.empty() || group->errors_dropped > 0) &&
                      !(group->policy == Policy::kRace && group->won);
  End end;
  if (caught) end.flags |= kCaught;
  if (group->reached && !caught) {
    end.flags |= kPassing;
    group->parent->reached = true;
  }
  if (failed) {
    end.status = Status::kGroup;
    end.error = ErrorOf(group);
  } else if (group->reached && !caught) {
    end.status = Status::kCancelled;
    end.error = CancelError(group, Status::kCancelled, Phase::kNone);
  } else if (caught && group->called_by == Reason::kDeadline && !group->move_on) {
    end.status = Status::kTimeout;
    end.error = CancelError(group, Status::kTimeout, Phase::kNone);
  }
  if (group->gathered) HandOutGathered(group, &end);
  group->state = State::kCommitted;
  made_progress_ = true;
  effects_.Remove(group);
  timers_.expiries.Disarm(group->expiry());
  timers_.graces.Disarm(static_cast<Grace*>(group));
  Unlink(group);
  StoreEnd(group, std::move(end));
  CountEnd(group);
  counters_.ended++;
  counters_.groups--;
  if (group->abandoned) guarded_--;
  Note(EventType::kEnded, group, group->status);
  NoteLeak(group);
  if (group->joinable) KeepForJoin(group);
  DeliverEnd(group);
}

void Tree::KeepForJoin(Group* group) noexcept {
  group->outcome = {group->status, group->flags, ReasonOf(group)};
  group->outcome_error = group->error;
  joinables_.PushFront(group);
  if (group->join_fd >= 0) platform::Reactor::Wake(group->join_fd);
  NotifyAwaited(group);
}

}  // namespace creche::tasks
