// Groups: opened, closed and joined.
#include <poll.h>
#include <sys/eventfd.h>

#include "platform/unique_fd.h"
#include "platform/wait.h"
#include "tasks/hold.h"
#include "tasks/label.h"
#include "tasks/tree.h"

namespace creche::tasks {

Status OpenGroup(const GroupOptions& options, const StartArgs& args) noexcept {
  if (args.task) *args.task = 0;
  Section section(args.in, kScopeKinds);
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  Node* in = section.node();
  if (Status status = tree->AdmitsOpen(in); status != Status::kOk) return status;
  Group* group = tree->pools_.groups.New(NodeType::kGroup);
  if (!group) return Status::kNoMemory;
  group->id = AddSlot(tree->domain(), Kind::kGroup, static_cast<Node*>(group));
  const bool ready = group->id != 0 && MakeLabel(&group->label, options.name, options.site) &&
                     tree->PrepareDeadline(group, options.timeout, options.deadline);
  Status status = ready ? Status::kOk : Status::kNoMemory;
  try {
    if (options.joinable) group->errors.reserve(1);
  } catch (const std::bad_alloc&) {
    status = Status::kNoMemory;
  }
  TaskOptions own;  // its own completion: its own queue first
  own.queue = options.queue;
  StartArgs route = args;
  route.options = &own;
  group->joinable = options.joinable;  // it needs no route then
  if (status == Status::kOk) status = tree->SetRoute(group, in, route);
  if (status != Status::kOk) {
    if (group->id != 0) EndSlot(tree->domain(), group->id);
    tree->Free(group);
    return status;
  }
  if (options.own_queue_only && options.queue == 0) {
    // Children do not inherit; the group's own completion still goes where it was going to.
    group->inherits = false;
  }
  group->policy = static_cast<Policy>(options.policy);
  group->move_on = options.move_on;
  group->until_released = options.until_released;
  group->limit = options.limit;
  group->max_errors = options.max_errors;
  group->grace = options.grace;
  group->started = tree->stamp();
  group->state = State::kRunning;
  tree->Link(group, in, options.shield);
  tree->counters_.started++;
  tree->counters_.groups++;
  tree->Note(EventType::kSpawned, group);
  if (args.task) *args.task = group->id;
  if (group->deadline != kNever) tree->StartDeadline(group);
  if (group->cancelled) tree->ArmGrace(group);
  return Status::kOk;
}

Status CloseGroup(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kGroup));
  if (!section.ok()) return section.status();
  auto* group = static_cast<Group*>(section.node());
  group->ending = true;
  group->left_open = false;
  section.tree()->QueueSettle(group);
  return Status::kOk;
}

Status JoinGroup(uint64_t id, Nanos timeout, LeaveOutcome* outcome, ErrorRef* error) noexcept {
  if (Loop::OnAnyLoop()) return Status::kWouldDeadlock;
  const Nanos until = After(platform::MonotonicNow(), timeout);
  platform::UniqueFd fd;
  Ref<Tree> turned;  // this thread runs the loop, which would wait for it
  bool joining = false;
  for (int failed = 0;;) {
    {
      Section section(id, Bit(Kind::kGroup));
      if (!section.ok()) return section.status();
      Tree* tree = section.tree();
      auto* group = static_cast<Group*>(section.node());
      if (!group->joinable || (group->joining && !joining)) return Status::kState;
      group->ending = true;
      group->left_open = false;
      tree->QueueSettle(group);
      tree->Settle();
      if (group->state == State::kCommitted) {
        *outcome = group->outcome;
        *error = std::move(group->outcome_error);
        tree->joinables_.Remove(group);
        group->joined = true;
        tree->EndId(group);
        if (group->delivered) tree->Free(group);
        return Status::kOk;
      }
      joining = group->joining = failed == 0 && timeout != 0;
      if (!joining) {
        group->join_fd = -1;
        if (failed == 0) return Status::kTimeout;
        if (failed == EINTR) return Status::kInterrupted;
        return failed == ETIMEDOUT ? Status::kTimeout : Status::kSystem;
      }
      turned = tree->BeginAwait(group) ? Ref<Tree>::Share(tree) : nullptr;
      if (!turned && !fd) fd = platform::UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      if (!turned && !fd) {
        group->joining = false;
        return Status::kSystem;
      }
      group->join_fd = fd.get();
    }
    failed = turned ? turned->AwaitTurn(until) : platform::WaitReadable(fd.get(), until);
  }
}

}  // namespace creche::tasks
