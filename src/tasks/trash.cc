#include "tasks/trash.h"

namespace creche::tasks {

void Trash::Add(Operation* operation) noexcept {
  operation->next_dead_ = operations_;
  operations_ = operation;
}

void Trash::Add(Node* node) noexcept {
  node->next = nodes_;
  nodes_ = node;
}

void Trash::Destroy() noexcept {
  while (Operation* dead = operations_) {
    operations_ = dead->next_dead_;
    delete dead;
  }
  for (Node* node = nodes_; node; node = node->next) OpsOf(node).drop_errors(node);
  for (End& end : ends_)
    if (end.flags & kOwned) ReleaseValue(end.value);
  ends_.clear();
}

}  // namespace creche::tasks
