// Residents: the sessions and pools of a loop (operation.h), which end before it does. Guarded by
// the lock of the loop's domain.
#pragma once
#include "tasks/operation.h"

namespace creche::tasks {

class Residents {
 public:
  bool empty() const noexcept { return list_.empty(); }
  void Add(Resident* resident) noexcept { list_.PushFront(resident); }
  // False if it is none of them.
  bool Remove(Resident* resident) noexcept {
    if (!List<Resident>::Has(resident)) return false;
    list_.Remove(resident);
    all_told_ = false;
    return true;
  }
  // The next one that is to be closed; null if all were told to.
  Resident* NextToClose() noexcept {
    Resident* resident = list_.first();
    while (resident && resident->told_) resident = list_.Next(resident);
    if (resident)
      resident->told_ = true;
    else
      all_told_ = !empty();
    return resident;
  }
  // All were told to close, and the loop waits for them.
  bool closing() const noexcept { return all_told_; }

 private:
  List<Resident> list_;
  bool all_told_ = false;
};

}  // namespace creche::tasks
