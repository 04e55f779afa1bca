// The life of what tasks wait on.
#include "tasks/waitable/waitable.h"

#include <cstdlib>
#include <cstring>

#include "tasks/waitable/section.h"

namespace creche::tasks {

Waitable::~Waitable() {
  free(name);
}

void Waitable::Unref() noexcept {
  if (--refs == 0) delete this;
}

void Waitable::EndIds() noexcept {
  if (id != 0) EndSlot(tree->domain(), id);
}

WaitableSection::WaitableSection(uint64_t object, Kind kind, uint64_t in,
                                 uint64_t* culprit) noexcept
    : section_(object, Bit(kind)) {
  *culprit = object;
  status_ = section_.status();
  if (status_ != Status::kOk) return;
  *culprit = in;
  in_ = static_cast<Node*>(FindHere(section_.tree()->domain(), in, kScopeKinds, &status_));
  if (in_) status_ = Tree::Admits(in_);
}

Status Tree::AddWaitable(Waitable* waitable, const char* name) noexcept {
  if (closing()) return Status::kClosed;
  if (name && !(waitable->name = strdup(name))) return Status::kNoMemory;
  waitable->tree = this;
  waitables_.all.PushFront(waitable);
  return Status::kOk;
}

// After the last callback, and after what was in queues is gone: nobody waits any more.
void Tree::DropWaitables() noexcept {
  List<Waitable> dropped;
  {
    Section section(*this);
    dropped.Append(&waitables_.all);
    for (Waitable* each = dropped.first(); each; each = dropped.Next(each)) each->EndIds();
  }
  while (Waitable* each = dropped.PopFront()) {
    each->LoopEnded();
    delete each;
  }
}

}  // namespace creche::tasks
