#include "http/turns.h"

#include "platform/user_code.h"

namespace creche::http {

std::optional<Decision> Turns::Ask(TurnFields* fields, Owner* owner, uint64_t* id) {
  {
    const std::lock_guard<std::mutex> locked(lock_);
    open_.emplace(last_id_ + 1, Open{owner});
    fields->id = *id = ++last_id_;
  }
  platform::CallUser(middleware_.ask, middleware_.user, static_cast<const TurnFields*>(fields));
  const std::lock_guard<std::mutex> locked(lock_);
  const auto at = open_.find(*id);
  if (at == open_.end()) return std::nullopt;
  at->second.asking = false;
  std::optional<Decision> decision = std::move(at->second.decision);
  if (!decision) return std::nullopt;
  open_.erase(at);
  *id = 0;
  return decision;
}

void Turns::Forget(uint64_t id) noexcept {
  std::optional<Decision> gone;  // destroyed without the lock
  const std::lock_guard<std::mutex> locked(lock_);
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  gone = std::move(at->second.decision);
  open_.erase(at);
}

Status Turns::Give(uint64_t id, Decision decision) {
  const std::lock_guard<std::mutex> locked(lock_);
  const auto at = open_.find(id);
  if (at == open_.end() || at->second.decision) return Status::kState;
  if (!at->second.asking) given_.push_back(id);
  at->second.decision = std::move(decision);
  return Status::kOk;
}

void Turns::Serve() noexcept {
  for (;;) {
    Owner* owner = nullptr;
    Decision decision;
    {
      const std::lock_guard<std::mutex> locked(lock_);
      if (given_.empty()) return;
      const auto at = open_.find(given_.front());
      given_.pop_front();
      if (at == open_.end()) continue;
      owner = at->second.owner;
      decision = std::move(*at->second.decision);
      open_.erase(at);
    }
    owner->OnDecision(std::move(decision));
  }
}

}  // namespace creche::http
