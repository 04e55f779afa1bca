// Domains: whose lock guards a set of slots; opened and closed with their loops, and used again.
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "core/handle_parts.h"
#include "core/loop.h"
#include "core/watch_forks.h"
#include "platform/fork.h"
#include "platform/thread.h"

namespace creche {

using namespace table;

namespace {

constinit Domain* g_spare_domain = nullptr;

// Around fork: a child must find these locks free.
void BeforeFork() {
  LockObjects();
  g_lock.lock();
}
void AfterFork() {
  g_lock.unlock();
  UnlockObjects();
}

}  // namespace

void WatchForks() noexcept {
  platform::WatchForks(BeforeFork, AfterFork, Loop::ForkedHere);
}

Domain* OpenDomain(void* owner, int* error) noexcept {
  WatchForks();
  Domain* domain = nullptr;
  {
    std::lock_guard guard(g_lock);
    domain = g_spare_domain;
    if (domain) g_spare_domain = domain->next_spare;
  }
  if (!domain) {
    domain = new (std::nothrow) Domain;
    *error = ENOMEM;
    if (!domain) return nullptr;
  } else if (domain->forked()) {
    domain->wakers.store(0);  // the threads of the parent process are not here
  }
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    *error = errno;
    std::lock_guard guard(g_lock);
    domain->next_spare = g_spare_domain;  // not freed: a stale id may look at it
    g_spare_domain = domain;
    return nullptr;
  }
  std::lock_guard guard(domain->lock);
  domain->wake_fd.store(wake_fd);
  domain->owner = owner;
  domain->fork_generation.store(platform::ForkGeneration(), std::memory_order_relaxed);
  return domain;
}

void CloseDomain(Domain* domain) noexcept {
  const platform::NotCancelled here;
  // Whoever has seen the descriptor is about to be through with it.
  const int wake_fd = domain->wake_fd.exchange(-1);
  while (domain->wakers.load() != 0) sched_yield();
  if (wake_fd >= 0) close(wake_fd);
  {
    std::lock_guard guard(domain->lock);
    GiveBackChunks(domain);
    domain->owner = nullptr;
    domain->epoll_fd = -1;
    for (auto& interrupt : domain->interrupts) interrupt.store(0);
    domain->interrupted.store(false);
  }
  // Spare only now that its lock is free: a child of fork takes what is spare.
  std::lock_guard spare(g_lock);
  domain->next_spare = g_spare_domain;
  g_spare_domain = domain;
}

void AbandonDomain(Domain* domain) noexcept {
  const platform::NotCancelled here;
  // Its lock may be held by a thread that does not exist here: touch nothing but the descriptor.
  for (const int fd : {domain->wake_fd.exchange(-1), std::exchange(domain->epoll_fd, -1)})
    if (fd >= 0) close(fd);
}

}  // namespace creche
