#include "http/turns.h"

#include <algorithm>

#include "platform/user_code.h"

namespace creche::http {

std::vector<Turns::Open>::iterator Turns::Find(uint64_t id) {
  return std::find_if(open_.begin(), open_.end(), [&](const Open& o) { return o.id == id; });
}

std::optional<Decision> Turns::Ask(TurnFields* fields, Owner* owner, uint64_t* id) {
  {
    const std::lock_guard<std::mutex> locked(lock_);
    open_.push_back({++last_id_, owner, false, {}});
    fields->id = *id = last_id_;
  }
  platform::CallUser(middleware_.ask, middleware_.user, static_cast<const TurnFields*>(fields));
  const std::lock_guard<std::mutex> locked(lock_);
  const auto at = Find(*id);
  if (at == open_.end() || !at->given) return std::nullopt;
  Decision decision = std::move(at->decision);
  open_.erase(at);
  *id = 0;
  return decision;
}

void Turns::Forget(uint64_t id) noexcept {
  Decision gone;  // destroyed without the lock
  const std::lock_guard<std::mutex> locked(lock_);
  const auto at = Find(id);
  if (at == open_.end()) return;
  gone = std::move(at->decision);
  open_.erase(at);
}

Status Turns::Give(uint64_t id, Decision decision) {
  const std::lock_guard<std::mutex> locked(lock_);
  const auto at = Find(id);
  if (at == open_.end() || at->given) return Status::kState;
  at->decision = std::move(decision);
  at->given = true;
  return Status::kOk;
}

void Turns::Serve() noexcept {
  for (;;) {
    Owner* owner = nullptr;
    Decision decision;
    {
      const std::lock_guard<std::mutex> locked(lock_);
      const auto at =
          std::find_if(open_.begin(), open_.end(), [](const Open& o) { return o.given; });
      if (at == open_.end()) return;
      owner = at->owner;
      decision = std::move(at->decision);
      open_.erase(at);
    }
    owner->OnDecision(std::move(decision));
  }
}

}  // namespace creche::http
