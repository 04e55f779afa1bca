#include "capi/default_loop.h"

#include <atomic>
#include <memory>
#include <mutex>

#include "capi/guard.h"
#include "core/handles.h"
#include "core/loop.h"
#include "core/watch_forks.h"

namespace creche::capi {

namespace {

// Never freed: a process may end while its threads are at work. A child of fork makes one of its
// own, whatever the lock of its parent's was doing.
struct DefaultLoop {
  const uint32_t generation = platform::ForkGeneration();
  const DefaultLoop* parents = nullptr;
  std::mutex lock;  // guards the rest; held while they are opened
  creche_loop loop{};
  creche_session session{};

  // Whether it is there; what has ended is forgotten.
  bool Lives() noexcept {
    Status status = Status::kOk;
    PeekDomain(loop.scope.id, Bit(Kind::kLoop), &status);
    if (status == Status::kOk) return true;
    loop = {};
    session = {};
    return false;
  }
  creche_status Open() noexcept {
    if (Lives()) return CRECHE_OK;
    creche_loop_options options;
    creche_loop_options_init(&options, sizeof options);
    options.name = "creche default";
    return creche_loop_open(&options, &loop);
  }
};

constinit std::atomic<DefaultLoop*> of_process{nullptr};

// Null if this process has none yet.
DefaultLoop* Mine() noexcept {
  DefaultLoop* const seen = of_process.load(std::memory_order_acquire);
  return seen && seen->generation == platform::ForkGeneration() ? seen : nullptr;
}

DefaultLoop& MakeMine() {
  WatchForks();
  for (;;) {
    if (DefaultLoop* const mine = Mine()) return *mine;
    auto made = std::make_unique<DefaultLoop>();
    DefaultLoop* parents = of_process.load(std::memory_order_acquire);
    if (parents && parents->generation == made->generation) continue;
    made->parents = parents;
    if (!of_process.compare_exchange_strong(parents, made.get(), std::memory_order_acq_rel))
      continue;
    if (parents && parents->loop.scope.id != 0) (void)creche_loop_abandon(parents->loop);
    return *made.release();
  }
}

}  // namespace

creche_status UseDefaultLoop(creche_loop* loop) {
  DefaultLoop& mine = MakeMine();
  std::lock_guard guard(mine.lock);
  const creche_status failed = mine.Open();
  *loop = mine.loop;
  return failed;
}

creche_status UseDefaultSession(creche_session* session) {
  DefaultLoop& mine = MakeMine();
  std::lock_guard guard(mine.lock);
  creche_status failed = mine.Open();
  if (!failed && mine.session.id == 0)
    failed = creche_session_open(mine.loop, nullptr, &mine.session);
  *session = mine.session;
  return failed;
}

creche_status CloseDefaultLoop(int64_t timeout) {
  if (timeout < 0) return Fail(Status::kInvalid, "timeout is negative");
  if (Loop::OnAnyLoop()) return ExplainFailure(Status::kWouldDeadlock, 0, "");
  DefaultLoop* const mine = Mine();
  if (!mine) return CRECHE_OK;
  creche_loop loop;
  {
    std::lock_guard guard(mine->lock);
    if (!mine->Lives()) return CRECHE_OK;
    loop = mine->loop;
    (void)creche_loop_close(loop);
  }
  const creche_status status = creche_loop_join(loop, timeout);
  return status == CRECHE_E_ENDED ? CRECHE_OK : status;  // another thread was first
}

}  // namespace creche::capi
