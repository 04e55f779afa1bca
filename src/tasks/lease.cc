// Leases: what a task, group or loop holds and is held open by.
#include "tasks/tree.h"

namespace creche::tasks {

void Tree::AttachLease(Lease* lease, EndNode* owner) noexcept {
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
  EndNode* owner = lease->owner_;
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
  if (!owner_) return;
  Section section(*tree_);
  tree_->DetachLease(this);
}

}  // namespace creche::tasks
