// A task that waits on something (waitable/waitable.h).
#pragma once
#include <memory>

#include "tasks/node/end_node.h"
#include "tasks/waitable/item_guard.h"
#include "tasks/waitable/wait_line.h"

namespace creche::tasks {

struct Waitable;
struct Token;
struct ChannelEnd;

struct WaitNode : ResultNode, Details, Waiter {
  WaitNode() : ResultNode(NodeType::kWait) { task = this; }
  Waitable* on = nullptr;  // counted in its refs
  uint64_t item = 0;       // what it sends; the permits it wants
  Token* token = nullptr;  // reserved for it
  ChannelEnd* at = nullptr;
  bool sends = false;
  bool receives = false;
  bool in_flight = false;            // what it waited for has come, and nobody was told of that yet
  bool told = false;                 // it stays as it has ended
  std::unique_ptr<ItemGuard> guard;  // of what it sends, or of what waits in a queue for its reader

  // For StartTask; null without memory.
  static WaitNode* New(Waitable* on) noexcept;
  // One that was never started, too.
  void Free() noexcept;
  void Fail(const ErrorRef& error) noexcept;
  // It has got what it has waited for.
  void Succeed(uint64_t with = 0) noexcept;
  // Somebody is told of its end now, or nobody ever will be: what came to a receive is not the
  // channel's to take back any more.
  void NoteTold() noexcept;
  // Nobody will read the item that it has received: it goes with the trash.
  void LoseItem() noexcept;
  // It has got nothing after all: its end, which nobody was told of yet, becomes a cancellation.
  void Undo() noexcept;

  static void Begin(Tree& tree, EndNode* task) noexcept;
  static void Reach(Tree& tree, EndNode* task) noexcept;
  static void Destroy(Tree& tree, Node* node) noexcept;
  static Doing Describe(const Node* node) noexcept;

 private:
  void DiscardUnsent() noexcept;
};

inline WaitNode* WaitOf(Waiter* waiter) noexcept {
  return static_cast<WaitNode*>(waiter->task);
}

}  // namespace creche::tasks
