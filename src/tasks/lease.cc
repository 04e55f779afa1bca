// Leases: what a task, group or loop holds and is held open by.
#include "tasks/tree.h"

namespace creche::tasks {

void Tree::AttachLease(Lease* lease, OwnerNode* owner) noexcept {
  lease->tree_ = this;
  lease->owner_ = owner;
  lease->prev_ = nullptr;
  lease->next_ = owner->first_lease;
  if (owner->first_lease) owner->first_lease->prev_ = lease;
  owner->first_lease = lease;
  owner->leases++;
  owner->pending++;
  counters_.leases++;
  // An owner that is cancelled, or has finished, may be waiting for nothing but this one.
  MaySettle(owner);
}

void Tree::DetachLease(Lease* lease) noexcept {
  OwnerNode* owner = lease->owner_;
  if (!owner) return;
  (lease->prev_ ? lease->prev_->next_ : owner->first_lease) = lease->next_;
  if (lease->next_) lease->next_->prev_ = lease->prev_;
  lease->owner_ = nullptr;
  lease->next_ = lease->prev_ = nullptr;
  owner->leases--;
  owner->pending--;
  counters_.leases--;
  MaySettle(owner);
}

void Lease::Detach() noexcept {
  if (!tree_) return;
  Section section(*tree_);
  tree_->DetachLease(this);
}

Status Lease::MoveTo(Loop& loop, uint64_t to) noexcept {
  Section section(to, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (tree != &loop) return Status::kWrongLoop;
  if (given_back_) return Status::kEnded;
  if (Status status = Tree::Admits(section.node()); status != Status::kOk) return status;
  if (!owner_) return Status::kOk;
  OwnerNode* owner = OwnerIn(section.node());
  if (owner == owner_) return Status::kOk;
  tree->DetachLease(this);
  tree->AttachLease(this, owner);
  return Status::kOk;
}

}  // namespace creche::tasks
