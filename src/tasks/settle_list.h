// SettleList: nodes that may have nothing left in them: looked at when the section that has brought
// that about ends. Guarded by the lock of the loop's domain.
#pragma once
#include "tasks/node/end_node.h"

namespace creche::tasks {

class SettleList {
 public:
  bool empty() const noexcept { return !first_; }
  void Push(Node* node) noexcept {
    if (node->settling) return;
    node->settling = true;
    node->branch()->settle_next = first_;
    first_ = node;
  }
  // The one that came last; null if empty.
  Node* Pop() noexcept {
    Node* node = first_;
    if (!node) return nullptr;
    first_ = node->branch()->settle_next;
    node->settling = false;
    return node;
  }

 private:
  Node* first_ = nullptr;
};

}  // namespace creche::tasks
