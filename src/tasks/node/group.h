// A group of tasks, or the root: the loop's.
#pragma once
#include <memory>
#include <vector>

#include "tasks/node/end_node.h"

namespace creche::tasks {

struct StartNode;

// The array behind a group's completion, with the references that ReleaseCompletions gives back.
struct Gathered final : Held {
  ~Gathered() override { ReleaseCompletions(completions.data(), completions.size()); }
  std::vector<Completion> completions;
};

// creche_group_options, checked.
enum class Policy : uint8_t { kFailFast, kCollect, kRace };

struct Group : OwnerNode, Details, Grace {
  explicit Group(NodeType t) : OwnerNode(t) {}
  Policy policy = Policy::kFailFast;
  bool inherits = true;  // children without a queue of their own take the one from outside
  bool joinable = false;
  bool joining = false;
  bool delivered = false;  // its completion was
  bool joined = false;     // its outcome was taken
  bool until_released = false;
  bool won = false;  // RACE: somebody has succeeded
  bool has_body = false;
  bool abandoned = false;  // its task has finished and left it open: counted in Tree::guarded_
  int join_fd = -1;        // an eventfd of the joiner
  uint32_t limit = 0;
  uint32_t running = 0;  // of those that count against limit
  uint32_t max_errors = 0;
  uint32_t errors_dropped = 0;
  List<EndNode> waiting;                    // for the limit
  List<StartNode, struct OfTarget> starts;  // that will move a child here
  Group* spread_next = nullptr;             // in Tree::spread_
  bool spreading = false;
  Nanos grace = kNever;
  LeaveOutcome outcome;  // kept for a join
  ErrorRef outcome_error;
  std::vector<ErrorRef> errors;
  std::unique_ptr<Gathered> gathered;

  static void Reach(Tree& tree, EndNode* group) noexcept;
  static void Emptied(Tree& tree, OwnerNode* group) noexcept;
  static void ChildFailed(Tree& tree, OwnerNode* group, EndNode* child) noexcept;
  static bool KeepsErrors(const Node* node) noexcept;
  static void DropErrors(Node* node) noexcept;
  static void Destroy(Tree& tree, Node* node) noexcept;
  static Doing Describe(const Node* node) noexcept;
  static void RootEmptied(Tree& tree, OwnerNode* root) noexcept;
  static void RootChildFailed(Tree& tree, OwnerNode* root, EndNode* child) noexcept;
};

}  // namespace creche::tasks
