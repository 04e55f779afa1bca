// What becomes of an item of a channel that nobody takes.
#pragma once
#include <cstdint>

#include "platform/thread.h"
#include "platform/user_code.h"
#include "tasks/operation.h"

namespace creche::tasks {

// Frees an item. Nobody asks for it, perhaps in a release: a thread that is cancelled meanwhile
// ends after that. No lock held.
inline void FreeItem(void (*free)(void* user, uint64_t item), void* user, uint64_t item) noexcept {
  const platform::NotCancelled here;
  platform::CallUser(free, user, item);
}

// Frees an item if nobody takes it.
class ItemGuard final : public Held {
 public:
  using Free = void (*)(void* user, uint64_t item);
  ItemGuard(Free free, void* user) : free_(free), user_(user) {}
  ~ItemGuard() override {
    if (armed_) FreeItem(free_, user_, item_);
  }
  void Arm(uint64_t item) noexcept {
    item_ = item;
    armed_ = true;
  }

 private:
  const Free free_;
  void* const user_;
  uint64_t item_ = 0;
  bool armed_ = false;
};

}  // namespace creche::tasks
