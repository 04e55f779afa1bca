#include "tasks/context.h"

#include <new>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// The nearest at or above `node`; null if there is none.
Ref<Context> Above(const Tree& tree, const Node* node) noexcept {
  for (; node; node = node->parent)
    if (IsUsers(node))
      if (const auto& held = static_cast<const UserNode*>(node)->context) return held->context;
  return tree.context_ ? tree.context_->context : nullptr;
}

// That of who starts something in `in`: inside a callback the task whose callback that is.
Ref<Context> OfStarter(uint64_t in) noexcept {
  Section section(in, kScopeKinds);
  if (!section.ok()) return nullptr;  // the start will say why
  const Tree* tree = section.tree();
  const bool calling = tree->OnThread() && tree->calling_.task;
  return Above(*tree, calling ? tree->calling_.task : section.node());
}

}  // namespace

void NewContext::Make(uint64_t in, const ContextType* given) noexcept {
  const Ref<Context> from = given ? nullptr : OfStarter(in);
  if (!given && !from) return;
  try {
    auto held = std::make_unique<ContextHeld>();
    if (given) {
      held->context = MakeRef<Context>(*given);
    } else if (!from->type().clone) {
      held->context = from;
    } else {
      held->context = MakeRef<Context>(ContextType{});
      ContextType copy = from->type();
      copy.data = platform::CallUser(copy.clone, copy.data);
      ok_ = copy.data != nullptr;
      if (ok_) held->context->set_type(copy);
    }
    held_ = std::move(held);
  } catch (const std::bad_alloc&) {
    ok_ = false;
  }
}

void NewContext::GiveTo(UserNode* task) noexcept {
  task->context = std::move(held_);
}

Status GetContext(uint64_t id, void** data) noexcept {
  *data = nullptr;
  Section section(id, kScopeKinds);
  if (!section.ok()) return section.status();
  if (const Ref<Context> found = Above(*section.tree(), section.node())) *data = found->type().data;
  return Status::kOk;
}

}  // namespace creche::tasks
