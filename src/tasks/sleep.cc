#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// wake(now): when it wakes.
template <class Wake>
Status Sleep(const Tail& tail, Wake wake) noexcept {
  if (tail.task) *tail.task = 0;
  Section section(tail.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (Status status = Tree::Admits(section.node()); status != Status::kOk) return status;
  SleepNode* task = tree->pools_.sleeps.New();
  if (!task) return Status::kNoMemory;
  task->wake = wake(tree);
  return tree->StartTask(task, section.node(), tail, false);
}

}  // namespace

Status SleepUntil(const Tail& tail, Nanos wake) noexcept {
  return Sleep(tail, [wake](Tree*) { return std::max(wake, INT64_MIN + 1); });
}

Status SleepFor(const Tail& tail, Nanos duration) noexcept {
  return Sleep(tail, [duration](Tree* tree) { return After(tree->now(), duration); });
}

Status Yield(const Tail& tail) noexcept {
  return Sleep(tail, [](Tree*) { return INT64_MIN; });
}

}  // namespace creche::tasks
