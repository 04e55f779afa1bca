// The table of what differs by kind of node.
#include "tasks/node/node_ops.h"

#include "tasks/node/group.h"
#include "tasks/node/operation_node.h"
#include "tasks/node/sleep_node.h"
#include "tasks/node/start_node.h"
#include "tasks/node/user_node.h"
#include "tasks/node/wait_node.h"

namespace creche::tasks {

namespace {

constexpr NodeOps kRootOps = {.name = "loop",
                              .word = "loop",
                              .reach = Group::Reach,
                              .emptied = Group::RootEmptied,
                              .child_failed = Group::RootChildFailed,
                              .describe = Group::Describe};

constexpr NodeOps kScopeOps = {
    .name = "scope", .word = "scope", .destroy = Scope::Destroy, .describe = Scope::Describe};

constexpr NodeOps kGroupOps = {.name = "group",
                               .word = "group",
                               .reach = Group::Reach,
                               .emptied = Group::Emptied,
                               .child_failed = Group::ChildFailed,
                               .keeps_errors = Group::KeepsErrors,
                               .drop_errors = Group::DropErrors,
                               .destroy = Group::Destroy,
                               .describe = Group::Describe};

constexpr NodeOps kOperationOps = {.name = "operation",
                                   .word = "operation",
                                   .begin = OperationNode::Begin,
                                   .reach = OperationNode::Reach,
                                   .effect = OperationNode::Effect,
                                   .committed = OperationNode::Committed,
                                   .release = OperationNode::Release,
                                   .keeps_errors = OperationNode::KeepsErrors,
                                   .drop_errors = OperationNode::DropErrors,
                                   .destroy = OperationNode::Destroy,
                                   .describe = OperationNode::Describe};

constexpr NodeOps kSleepOps = {.name = "sleep",
                               .word = "sleep",
                               .begin = SleepNode::Begin,
                               .reach = SleepNode::Reach,
                               .committed = SleepNode::Committed,
                               .destroy = SleepNode::Destroy,
                               .describe = SleepNode::Describe};

constexpr NodeOps kUserOps = {.name = "task",
                              .word = "task",
                              .begin = UserNode::Begin,
                              .reach = UserNode::Reach,
                              .emptied = UserNode::Emptied,
                              .child_failed = UserNode::ChildFailed,
                              .release = UserNode::Release,
                              .keeps_errors = UserNode::KeepsErrors,
                              .drop_errors = UserNode::DropErrors,
                              .destroy = UserNode::Destroy,
                              .describe = UserNode::Describe};

// What a function on a worker has in common with other tasks of users is all but its way there.
constexpr NodeOps With(NodeOps ops, const char* name, const char* word) {
  ops.name = name;
  ops.word = word;
  return ops;
}
constexpr NodeOps Offloaded(NodeOps ops) {
  ops.begin = OffloadOps::Begin;
  ops.reach = OffloadOps::Reach;
  ops.effect = OffloadOps::Effect;
  return ops;
}

constexpr NodeOps kStartOps = {.name = "start",
                               .word = "start",
                               .begin = StartNode::Begin,
                               .emptied = StartNode::Emptied,
                               .destroy = StartNode::Destroy,
                               .describe = StartNode::Describe};

constexpr NodeOps kWaitOps = {.name = "wait",
                              .word = "wait",
                              .begin = WaitNode::Begin,
                              .reach = WaitNode::Reach,
                              .destroy = WaitNode::Destroy,
                              .describe = WaitNode::Describe};

}  // namespace

// In the order of NodeType.
constexpr NodeOps kNodeOps[kNodeTypes] = {
    kRootOps,
    kScopeOps,
    kGroupOps,
    kOperationOps,
    kSleepOps,
    kUserOps,
    With(kUserOps, "external task", "external"),
    With(Offloaded(kUserOps), "offloaded function", "offload"),
    kStartOps,
    kWaitOps,
};
static_assert(kNodeOps[static_cast<size_t>(NodeType::kScope)].word == kScopeOps.word &&
              kNodeOps[static_cast<size_t>(NodeType::kSleep)].begin == SleepNode::Begin &&
              kNodeOps[static_cast<size_t>(NodeType::kWait)].begin == WaitNode::Begin);

}  // namespace creche::tasks
