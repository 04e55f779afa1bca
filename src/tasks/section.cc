#include "platform/fork.h"
#include "tasks/tree.h"

namespace creche::tasks {

Section::Section(uint64_t id, uint32_t kinds) noexcept {
  Locked found(id, kinds);
  status_ = found.status();
  if (!found.ok()) return;
  object_ = found.As<void>();
  domain_ = found.Keep();
  tree_ = static_cast<Tree*>(domain_->owner);
}

Section::Section(Tree& tree) noexcept : domain_(tree.domain()), tree_(&tree) {
  domain_->lock.lock();
}

void Section::Leave() noexcept {
  if (!domain_) return;
  if (tree_->settle_) tree_->Settle();
  const bool wake = tree_->poke_ && tree_->MustWake();
  const int wake_fd = domain_->wake_fd;
  tree_->poke_ = false;
  domain_->lock.unlock();
  domain_ = nullptr;
  // The tree may be gone by now; the descriptor lives for ever.
  if (wake) platform::Reactor::Wake(wake_fd);
}

}  // namespace creche::tasks
