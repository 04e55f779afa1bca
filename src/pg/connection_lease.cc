#include "pg/connection_lease.h"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "pg/command/undo_begin.h"

namespace creche::pg {

Ref<ConnectionLease> ConnectionLease::Make(Ref<Pool> pool, Member* member, bool of_operation) {
  auto lease =
      Ref<ConnectionLease>::Adopt(new ConnectionLease(std::move(pool), member, of_operation));
  lease->pool_->Hold(member, lease.get());
  return lease;
}

ErrorRef ConnectionLease::Gone(Phase phase) const noexcept {
  if (pool_->closing()) return Pool::ClosedError(phase);
  try {
    std::string message = "this connection was lost before: acquire another one";
    if (why_) message += std::string("; ") + why_->message();
    return MakeError(ErrorInfo{.status = Status::kDisconnected,
                               .phase = phase,
                               .message = std::move(message),
                               .flags = kUnsent,
                               .cause = why_});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void ConnectionLease::UndoKnown(uint32_t known) noexcept {
  while (const Ref<Level> level = failed.TakeKnown(known)) {
    const auto it = std::find_if(levels.begin(), levels.end(),
                                 [&](const auto& l) { return l.get() == level.get(); });
    if (it == levels.end()) continue;
    levels.erase(it, levels.end());
    if (connection() && !level->missing) UndoBegin::Submit(*connection(), level);
  }
}

void ConnectionLease::Released() noexcept {
  if (of_operation()) return;
  released_.store(true);
  end_job_.Submit(loop());
}

void ConnectionLease::EndIfUnused() noexcept {
  if (released_.load() && accepted_.load() == 0) End();
}

void ConnectionLease::End() noexcept {
  Detach();
  Member* const member = std::exchange(member_, nullptr);
  if (!member) return;
  if (expired_.load()) member->expires = 0;
  pool_->Return(member, !levels.empty());
}

void ConnectionLease::GiveBack() noexcept {
  const auto keep = Ref<ConnectionLease>::Share(this);
  ForgetObject(id());
  released_.store(true);
  if (accepted_.load() == 0) End();
}

}  // namespace creche::pg
