// Sleeps and yields: how they begin and end.
#include "tasks/node/sleep_node.h"

#include <new>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {

void BeginYield(Tree& tree, SleepNode* task) noexcept {
  YieldEntry* place = tree.pools_.yields.New(task, tree.turns());
  if (!place) return tree.Commit(task, {.status = Status::kNoMemory, .error = NoMemoryError()});
  task->yields = true;
  task->yield = place;
  tree.PushReady(place);
  tree.LookFirst();
}

}  // namespace

void SleepNode::Begin(Tree& tree, EndNode* task) noexcept {
  auto* sleep = static_cast<SleepNode*>(task);
  sleep->state = State::kRunning;
  tree.Note(EventType::kStarted, sleep);
  if (sleep->cancelled)
    return tree.CommitCancelled(sleep, sleep->waited ? Phase::kLimit : Phase::kNone);
  if (sleep->wake == INT64_MIN) return BeginYield(tree, sleep);
  Deadlines& alarms = tree.timers_.alarms;
  try {
    alarms.Arm(static_cast<Alarm*>(sleep), sleep->wake);
    if (alarms.next() == sleep->wake) tree.RequestWake();
  } catch (const std::bad_alloc&) {
    tree.Commit(sleep, {.status = Status::kNoMemory, .error = NoMemoryError()});
  }
}

void SleepNode::Reach(Tree& tree, EndNode* task) noexcept {
  tree.CommitCancelled(task, Phase::kNone);
}

void SleepNode::Committed(Tree& tree, EndNode* task) noexcept {
  auto* sleep = static_cast<SleepNode*>(task);
  tree.timers_.alarms.Disarm(static_cast<Alarm*>(sleep));
  if (sleep->yields) sleep->yield->node = nullptr;
  sleep->yields = false;
}

void SleepNode::Destroy(Tree& tree, Node* node) noexcept {
  tree.pools_.sleeps.Delete(static_cast<SleepNode*>(node));
}

Doing SleepNode::Describe(const Node*) noexcept {
  return {"asleep", nullptr};
}

// Behind the first callbacks of a turn nothing goes past a yield that began in it: so the next turn
// comes to it, with what was there before.
bool Tree::IsForNextTurn(const Entry* entry) const noexcept {
  if (entry->entry_type != EntryType::kYield) return false;
  const auto* place = static_cast<const YieldEntry*>(entry);
  return place->node && place->turn == turns();
}

// The turn has come to where a yield stands. Unless it was cut it ends only now, and is told at
// once: what came before it, be it a post, a deadline or a cancellation, has happened. Its own
// completion if that is to be called, or null.
Entry* Tree::EndYield(YieldEntry* place) noexcept {
  SleepNode* task = place->node;
  if (task && place->turn == turns()) {  // from another thread, behind this turn's deadlines
    PushReady(place);
    return nullptr;
  }
  pools_.yields.Delete(place);
  if (!task) return nullptr;
  task->yields = false;
  CommitSilently(task, Phase::kNone);
  if (task->route != Route::kFunction) {
    DeliverEnd(task);
    return nullptr;
  }
  if (!settling_.empty()) Settle();
  return static_cast<EndNode*>(task);
}

}  // namespace creche::tasks
