// Leases: what a task, group or loop holds and is held open by.
#include "tasks/tree.h"

namespace creche::tasks {

void Tree::AttachLease(Lease* lease, OwnerNode* owner) noexcept {
  lease->tree_ = this;
  lease->owner_ = owner;
  owner->held_leases.PushFront(lease);
  owner->leases++;
  owner->below.pending++;
  counters_.leases++;
  // An owner that is cancelled, or has finished, may be waiting for nothing but this one.
  if (owner->ending) QueueSettle(owner);
}

void Tree::DetachLease(Lease* lease) noexcept {
  OwnerNode* owner = lease->owner_;
  if (!owner) return;
  owner->held_leases.Remove(lease);
  lease->owner_ = nullptr;
  owner->leases--;
  owner->below.pending--;
  counters_.leases--;
  if (owner->ending) QueueSettle(owner);
}

void Tree::GiveBackLeases(OwnerNode* owner, TreeLock& lock) noexcept {
  owner->give_back = false;
  owner->below
      .pending++;  // it stays until all are given back, though others may be moved away meanwhile
  // Something may have been started in a group meanwhile: then they go after that.
  while (owner->below.pending == owner->leases + 1 && !owner->held_leases.empty()) {
    Lease* lease = owner->held_leases.first();
    DetachLease(lease);
    if (lease->GiveBackLocked()) continue;
    lease->given_back_ = true;
    lock.unlock();
    lease->GiveBack();
    lock.lock();
  }
  owner->below.pending--;
  QueueSettle(owner);
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
