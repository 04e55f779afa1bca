// Walk: over a part of the tree, without recursion: trees may be deep.
#pragma once
#include "tasks/node/nodes.h"

namespace creche::tasks {

// Calls visit(node, depth) for `top` and all below it, parents first.
template <class F>
void Walk(const Node* top, F visit) {
  int depth = 0;
  for (const Node* node = top; node;) {
    visit(node, depth);
    if (const Node* child = node->first_child()) {
      node = child;
      depth++;
      continue;
    }
    while (node != top && !node->next) {
      node = node->parent;
      depth--;
    }
    node = node == top ? nullptr : node->next;
  }
}

}  // namespace creche::tasks
