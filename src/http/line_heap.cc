#include "http/line_heap.h"

#include <utility>

namespace creche::http {

// The shorter way is on the right. True if the rank of `line` has changed.
bool LineHeap::Balance(Line* line) noexcept {
  if (Rank(line->left_) < Rank(line->right_)) std::swap(line->left_, line->right_);
  return std::exchange(line->rank_, Rank(line->right_) + 1) != line->rank_;
}

// As deep as the two ways on the right are long: O(log n).
Line* LineHeap::Meld(Line* a, Line* b) noexcept {
  if (!a) return b;
  if (!b) return a;
  work_++;
  if (b->key_ < a->key_) std::swap(a, b);
  a->right_ = Meld(a->right_, b);
  a->right_->parent_ = a;
  Balance(a);
  return a;
}

void LineHeap::Add(Line* line, uint64_t key) noexcept {
  line->key_ = key;
  line->heap_ = this;
  line->rank_ = 1;
  root_ = Meld(root_, line);
  root_->parent_ = nullptr;
}

void LineHeap::Remove(Line* line) noexcept {
  LineHeap* heap = std::exchange(line->heap_, nullptr);
  if (!heap) return;
  Line* melded = heap->Meld(line->left_, line->right_);
  Line* above = line->parent_;
  if (melded) melded->parent_ = above;
  if (!above) {
    heap->root_ = melded;
  } else {
    (above->left_ == line ? above->left_ : above->right_) = melded;
    for (; above && Balance(above); above = above->parent_) heap->work_++;
  }
  line->parent_ = line->left_ = line->right_ = nullptr;
}

}  // namespace creche::http
