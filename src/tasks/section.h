// Section: how a call of the ABI gets at a tree. Included by tree.h.
#pragma once
#include "tasks/tree.h"

namespace creche::tasks {

// A section of code that holds a tree's lock. Its end settles what has become empty, unlocks, and
// wakes the loop if there is something for it.
class Section {
 public:
  // By a handle; check ok() first.
  [[gnu::always_inline]] Section(uint64_t id, uint32_t kinds) noexcept : locked_(id, kinds) {
    if (!locked_.ok()) return;
    tree_ = static_cast<Tree*>(locked_.domain()->owner);
    if (!tree_) __builtin_unreachable();  // whoever has live handles of these kinds is there
  }
  explicit Section(Tree& tree) noexcept : locked_(tree.domain()), tree_(&tree) {}
  [[gnu::always_inline]] ~Section() { Leave(); }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;
  bool ok() const noexcept { return tree_ != nullptr; }
  Status status() const noexcept { return locked_.status(); }
  Tree* tree() const noexcept { return tree_; }
  Node* node() const noexcept { return locked_.As<Node>(); }
  template <class T>
  T* As() const noexcept {
    return locked_.As<T>();
  }
  [[gnu::always_inline]] void Leave() noexcept {
    Tree* const tree = std::exchange(tree_, nullptr);
    if (!tree) [[unlikely]]
      return;
    if (!tree->settling_.empty()) tree->Settle();
    Domain* const asleep = tree->wake_requested_ ? tree->TakeWake() : nullptr;
    if (tree->observers_.trace) tree->LeaveEvents();
    locked_.Unlock();
    if (asleep) asleep->Wake();  // the tree may be gone by now; its domain lives for ever
  }

 private:
  Locked locked_;
  Tree* tree_ = nullptr;
};

}  // namespace creche::tasks
