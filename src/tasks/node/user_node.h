// A task of the user's: spawned, external, or an offloaded function.
#pragma once
#include <memory>

#include "core/workers.h"
#include "tasks/context.h"
#include "tasks/node/end_node.h"

namespace creche::tasks {

struct alignas(64) UserNode : OwnerNode, BeginEntry, CancelEntry, StalledEntry {
  UserNode() : OwnerNode(NodeType::kUser) {}  // what it really is, whoever makes it sets
  Entry* begin() noexcept {
    if (type == NodeType::kExternal) return static_cast<BeginEntry*>(this);
    return static_cast<EndNode*>(this);
  }
  CancelEntry* cancel() noexcept { return this; }
  StalledEntry* stalled() noexcept { return this; }
  bool abandon = false;
  bool misused = false;  // it finished in a way that is an error by itself
  BodyListener* listener = nullptr;
  uint64_t begin_value = 0;
  ErrorRef failed_step;            // of a step that nobody was told of
  std::unique_ptr<WorkItem> work;  // offloaded: until the workers have it
  WorkItem* queued = nullptr;      // the same, until it has begun
  std::unique_ptr<ContextHeld> context;

  static void Begin(Tree& tree, EndNode* task) noexcept;
  static void Reach(Tree& tree, EndNode* task) noexcept;
  static void Emptied(Tree& tree, OwnerNode* task) noexcept;
  static void ChildFailed(Tree& tree, OwnerNode* task, EndNode* step) noexcept;
  static void Release(Tree& tree, Node* node) noexcept;
  static bool KeepsErrors(const Node* node) noexcept;
  static void DropErrors(Node* node) noexcept;
  static void Destroy(Tree& tree, Node* node) noexcept;
  static Doing Describe(const Node* node) noexcept;
};

// What is different where its function runs on a worker (offload.cc).
struct OffloadOps {
  static void Begin(Tree& tree, EndNode* task) noexcept;
  static void Reach(Tree& tree, EndNode* task) noexcept;
  static void Effect(Tree& tree, EndNode* task, TreeLock& lock) noexcept;
};

// Whether code of the user's runs in it.
inline bool IsUsers(const Node* node) noexcept {
  return node->type == NodeType::kUser || node->type == NodeType::kExternal ||
         node->type == NodeType::kOffload;
}
// Whether the user finishes it, by creche_task_finish.
inline bool IsFinishedByUser(const Node* node) noexcept {
  return node->type == NodeType::kUser || node->type == NodeType::kExternal;
}

// The task that a notice is for.
inline UserNode* TaskOf(Entry* notice) noexcept {
  if (notice->what == What::kBegin) return static_cast<UserNode*>(static_cast<BeginEntry*>(notice));
  if (notice->what == What::kCancel)
    return static_cast<UserNode*>(static_cast<CancelEntry*>(notice));
  return static_cast<UserNode*>(static_cast<StalledEntry*>(notice));
}
// The node of an entry that is no post.
inline EndNode* NodeOf(Entry* entry) noexcept {
  if (entry->entry_type <= EntryType::kBegin) return static_cast<EndNode*>(entry);
  if (entry->entry_type == EntryType::kNotice) return TaskOf(entry);
  return static_cast<MoreEntry*>(entry)->node;
}

}  // namespace creche::tasks
