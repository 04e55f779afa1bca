// NodePools: the memory of a tree's nodes and entries. Guarded by the lock of the loop's domain.
#pragma once
#include "tasks/node/nodes.h"
#include "tasks/node/wait_node.h"
#include "tasks/pool.h"

namespace creche::tasks {

struct NodePools {
  KeptPool<Scope> scopes;
  KeptPool<UserNode> users;
  Pool<OperationNode> operations;
  Pool<SleepNode> sleeps;
  Pool<YieldEntry> yields;
  Pool<Group> groups;
  Pool<StartNode> starts;
  Pool<WaitNode> waits;
  Pool<Token> tokens;  // (complete in waitable/limiter.h)
  Pool<PostEntry> posts;
};

}  // namespace creche::tasks
