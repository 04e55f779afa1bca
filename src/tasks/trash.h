// Trash: what is over and must be destroyed without the lock of the loop's domain, by the loop:
// operations, and the users' handles, errors and memory that nobody is told of.
#pragma once
#include <utility>
#include <vector>

#include "tasks/node/end_node.h"

namespace creche::tasks {

class Trash {
 public:
  Trash() = default;
  Trash(Trash&& o) noexcept
      : operations_(std::exchange(o.operations_, nullptr)),
        nodes_(std::exchange(o.nodes_, nullptr)),
        ends_(std::exchange(o.ends_, {})) {}

  // ---- With the lock held ----
  bool empty() const noexcept { return !operations_ && !nodes_ && ends_.empty(); }
  void Add(Operation* operation) noexcept;
  // To be freed; its errors go before that.
  void Add(Node* node) noexcept;
  void Add(End&& end) { ends_.push_back(std::move(end)); }  // may throw bad_alloc

  // ---- Of one that was moved out of the tree ----
  // Without the lock.
  void Destroy() noexcept;
  // With it, after that: calls free(node).
  template <class F>
  void FreeNodes(F free) noexcept {
    while (Node* node = nodes_) {
      nodes_ = node->next;
      free(node);
    }
  }

 private:
  Operation* operations_ = nullptr;
  Node* nodes_ = nullptr;
  std::vector<End> ends_;
};

}  // namespace creche::tasks
