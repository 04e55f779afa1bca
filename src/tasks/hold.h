// HeldObject: keeps the data of a drained completion, under a handle of its own, until the
// completion is released, also after its loop has ended.
#pragma once
#include <memory>

#include "core/handles.h"
#include "tasks/operation.h"

namespace creche::tasks {

class HeldObject final : public Object {
 public:
  void Fill(std::unique_ptr<Held> held) noexcept { held_ = std::move(held); }
  void Released() noexcept override { held_.reset(); }

 private:
  std::unique_ptr<Held> held_;
};

// The handle of `held`, of `loop`; 0 without memory (then `held` stays the caller's).
uint64_t KeepHeld(std::unique_ptr<Held>& held, const Loop& loop) noexcept;

}  // namespace creche::tasks
