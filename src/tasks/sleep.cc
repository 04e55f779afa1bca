#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// wake(now): when it wakes.
template <class Wake>
Status Sleep(const StartArgs& args, Wake wake) noexcept {
  if (args.task) *args.task = 0;
  Section section(args.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (Status status = Tree::Admits(section.node()); status != Status::kOk) return status;
  SleepNode* task = tree->pools_.sleeps.New();
  if (!task) return Status::kNoMemory;
  task->wake = wake(tree);
  return tree->StartTask(task, section.node(), args, false);
}

}  // namespace

Status SleepUntil(const StartArgs& args, Nanos wake) noexcept {
  return Sleep(args, [wake](Tree*) { return std::max(wake, INT64_MIN + 1); });
}

Status SleepFor(const StartArgs& args, Nanos duration) noexcept {
  return Sleep(args, [duration](Tree* tree) { return After(tree->now(), duration); });
}

Status Yield(const StartArgs& args) noexcept {
  return Sleep(args, [](Tree*) { return INT64_MIN; });
}

}  // namespace creche::tasks
