// Events: set once, by anybody; they wake all who wait. Guarded by the lock of the loop's domain.
#include "tasks/waitable/section.h"

namespace creche::tasks {

namespace {

struct Event final : Waitable {
  void Enter(WaitNode* wait) noexcept override {
    if (set) return wait->Succeed();
    if (closed) return wait->Fail(ClosedError("the event was released"));
    line.PushBack(wait);
  }
  void Leave(WaitNode* wait) noexcept override { line.Remove(wait); }
  const char* WaitName(const WaitNode*) const noexcept override { return "event"; }

  bool set = false;
  WaitLine<AtObject> line;
};

}  // namespace

Status OpenEvent(uint64_t loop, const char* name, uint64_t* id) noexcept {
  return OpenWaitable<Event>(loop, Kind::kEvent, name, id, [](Event*) { return Status::kOk; });
}

Status WaitForEvent(uint64_t id, const StartArgs& args, uint64_t* culprit) noexcept {
  WaitableSection section(id, Kind::kEvent, args.in, culprit);
  if (!section.ok()) return section.status();
  WaitNode* wait = WaitNode::New(section.As<Event>());
  if (!wait) return Status::kNoMemory;
  return section.tree()->StartTask(wait, section.in(), args, false);
}

Status SetEvent(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kEvent));
  if (!section.ok()) return section.status();
  auto* event = section.As<Event>();
  event->set = true;
  while (Waiter* waiter = event->line.first()) {
    event->line.Remove(waiter);
    WaitOf(waiter)->Succeed();
  }
  return Status::kOk;
}

Status IsEventSet(uint64_t id, bool* set) noexcept {
  Section section(id, Bit(Kind::kEvent));
  if (section.ok()) *set = section.As<Event>()->set;
  return section.status();
}

void ReleaseEvent(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kEvent));
  if (!section.ok()) return;
  auto* event = section.As<Event>();
  EndSlot(section.tree()->domain(), id);
  event->id = 0;
  event->closed = true;
  const ErrorRef error = event->line.empty() ? nullptr : ClosedError("the event was released");
  while (Waiter* waiter = event->line.first()) WaitOf(waiter)->Fail(error);
  event->Unref();
}

}  // namespace creche::tasks
