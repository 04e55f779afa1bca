#include "tasks/tree.h"

namespace creche::tasks {

Status SleepUntil(const Tail& tail, Nanos wake) noexcept {
  if (tail.task) *tail.task = 0;
  Section section(tail.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (Status status = Tree::Admits(section.node()); status != Status::kOk) return status;
  SleepNode* task = tree->sleeps_pool_.New();
  if (!task) return Status::kNoMemory;
  task->wake = wake;
  return tree->StartTask(task, section.node(), tail, false);
}

}  // namespace creche::tasks
