// Limiter: a counting semaphore whose tokens are leases. Guarded by the lock of the loop's domain.
#pragma once
#include <cstdint>
#include <unordered_set>

#include "tasks/waitable/waitable.h"

namespace creche::tasks {

struct Limiter;

// The right that a limiter gives. Made when somebody asks for it, so that handing it over cannot
// fail; held from then until it is given back.
struct Token final : Lease {
  Limiter* limiter = nullptr;  // counted in its refs
  uint64_t id = 0;
  uint64_t borrower = 0;
  bool held = false;
  void GiveBack() noexcept override {}
  bool GiveBackLocked() noexcept override;
  const char* LeaseName() const noexcept override { return "token"; }
};

struct Limiter final : Waitable {
  void Enter(WaitNode* wait) noexcept override;
  void Leave(WaitNode* wait) noexcept override;
  const char* WaitName(const WaitNode*) const noexcept override { return "limiter"; }

  bool IsFree() const noexcept { return line.empty() && borrowed < total; }
  // Gives tokens to those who stand in line while there are any.
  void HandOver() noexcept;
  // To one that was taken out of the line.
  void Grant(Waiter* waiter) noexcept;
  // A token to be; null with *status set (kState: this borrower has one, or waits).
  Token* Reserve(uint64_t borrower, Status* status) noexcept;
  // Ends a token that is held, or was reserved only. The next in line gets it by HandOver.
  void End(Token* token) noexcept;

  uint32_t total = 0;
  uint32_t borrowed = 0;
  WaitLine<AtObject> line;
  std::unordered_set<uint64_t> borrowers;  // without 0; those that wait, too
};

}  // namespace creche::tasks
