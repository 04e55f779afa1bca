#include "platform/fork.h"

#include <pthread.h>

#include <mutex>

namespace creche::platform {

constinit std::atomic<uint32_t> g_fork_generation{1};

namespace {
void (*release_after_fork)() = nullptr;
std::once_flag installed;

void InParent() {
  release_after_fork();
}
void InChild() {
  g_fork_generation.fetch_add(1, std::memory_order_relaxed);
  release_after_fork();
}
}  // namespace

void WatchForks(void (*prepare)(), void (*release)()) noexcept {
  std::call_once(installed, [&] {
    release_after_fork = release;
    pthread_atfork(prepare, InParent, InChild);
  });
}

}  // namespace creche::platform
