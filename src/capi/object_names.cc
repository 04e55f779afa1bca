#include "capi/object_names.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "core/handles.h"
#include "core/watch_forks.h"

namespace creche::capi {

namespace {

// Never freed, for threads may be at work when the process ends. A child of fork makes one of its
// own, whatever the lock of its parent's was doing: no handle of the parent's means anything there.
struct Names {
  const uint32_t generation = platform::ForkGeneration();
  const Names* parents = nullptr;
  std::mutex lock;  // guards the rest
  std::unordered_map<uint64_t, std::string> of;
  size_t look_at = 16;  // so many, and those are looked for that have ended

  void ForgetEnded() noexcept {
    Status status;
    for (auto it = of.begin(); it != of.end();)
      it = FindObject(it->first, KindOf(it->first), &status) ? std::next(it) : of.erase(it);
    look_at = std::max<size_t>(16, 2 * of.size());
  }
};

constinit std::atomic<Names*> of_process{nullptr};

Names& OfProcess() {
  WatchForks();
  for (;;) {
    Names* const seen = of_process.load(std::memory_order_acquire);
    if (seen && seen->generation == platform::ForkGeneration()) return *seen;
    auto made = std::make_unique<Names>();
    made->parents = seen;
    Names* expected = seen;
    if (of_process.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel))
      return *made.release();
  }
}

}  // namespace

void NameObject(uint64_t id, const char* name) {
  Names& names = OfProcess();
  std::string copy(name ? name : "");
  const std::lock_guard guard(names.lock);
  if (names.of.size() >= names.look_at) names.ForgetEnded();
  names.of[id] = std::move(copy);
}

std::string NameOfObject(uint64_t id) {
  Names& names = OfProcess();
  const std::lock_guard guard(names.lock);
  const auto found = names.of.find(id);
  return found == names.of.end() ? std::string() : found->second;
}

}  // namespace creche::capi
