// WaitableSection: a section (tree.h) of a call about two handles: the object that a task is to
// wait on and the scope that it is started in, both looked up on one loop.
#pragma once
#include <cstdint>
#include <memory>
#include <new>

#include "tasks/tree.h"
#include "tasks/waitable/waitable.h"

namespace creche::tasks {

class WaitableSection {
 public:
  // *culprit: the handle that a failure is about.
  WaitableSection(uint64_t object, Kind kind, uint64_t in, uint64_t* culprit) noexcept;
  Status status() const noexcept { return status_; }
  bool ok() const noexcept { return status_ == Status::kOk; }
  Tree* tree() const noexcept { return section_.tree(); }
  Node* in() const noexcept { return in_; }
  template <class T>
  T* As() const noexcept {
    return section_.As<T>();
  }

 private:
  Section section_;
  Node* in_ = nullptr;
  Status status_;
};

// Opens what tasks wait on: T, changed by prepare(object) before anybody can know of it.
template <class T, class F>
Status OpenWaitable(uint64_t loop, Kind kind, const char* name, uint64_t* id, F prepare) noexcept {
  *id = 0;
  std::unique_ptr<T> object(new (std::nothrow) T);
  if (!object) return Status::kNoMemory;
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  object->tree = tree;
  if (Status status = prepare(object.get()); status != Status::kOk) return status;
  const uint64_t made = AddSlot(tree->domain(), kind, static_cast<T*>(object.get()));
  if (made == 0) return Status::kNoMemory;
  if (Status status = tree->AddWaitable(object.get(), name); status != Status::kOk) {
    EndSlot(tree->domain(), made);
    return status;
  }
  *id = object.release()->id = made;
  return Status::kOk;
}

}  // namespace creche::tasks
