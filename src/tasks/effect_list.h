// EffectList: the nodes that the loop must do something for, once in a turn each (NodeOps::effect).
// Guarded by the lock of the loop's domain.
#pragma once
#include "tasks/node/end_node.h"

namespace creche::tasks {

class EffectList {
 public:
  bool empty() const noexcept { return list_.empty(); }
  // False if it is in it already.
  bool Push(EndNode* node) noexcept {
    if (node->in_effects) return false;
    node->in_effects = true;
    list_.PushBack(node);
    return true;
  }
  void Remove(EndNode* node) noexcept {
    if (!node->in_effects) return;
    node->in_effects = false;
    list_.Remove(node);
  }
  // Null if empty.
  EndNode* Pop() noexcept {
    EndNode* node = list_.first();
    if (node) Remove(node);
    return node;
  }

 private:
  List<EndNode> list_;
};

}  // namespace creche::tasks
