// What libevent's log belongs to: the host.
#include "platform/reactor.h"

#include <event2/event.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "platform/unique_fd.h"

namespace creche::platform {
namespace {

int lines = 0;
void Count(int, const char*) {
  lines++;
}

void Ignore(void*, unsigned) noexcept {}

// A descriptor that is not open makes libevent warn.
void MakeItWarn() {
  event_base* base = event_base_new();
  event* bad = event_new(base, 900, EV_READ, nullptr, nullptr);
  event_add(bad, nullptr);
  event_free(bad);
  event_base_free(base);
}

TEST(Reactor, LeavesTheHostItsLog) {
  event_set_log_callback(Count);
  lines = 0;
  MakeItWarn();
  ASSERT_EQ(lines, 1);
  const UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Reactor reactor;
  ASSERT_EQ(reactor.Open(wake.get()), 0);
  MakeItWarn();
  EXPECT_EQ(lines, 2);
  event_set_log_callback(nullptr);
}

// And writes nothing into it: what cannot be watched is known before libevent is asked.
TEST(Reactor, IsSilentWhereNothingCanBeWatched) {
  event_set_log_callback(Count);
  lines = 0;
  const UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Reactor reactor;
  ASSERT_EQ(reactor.Open(wake.get()), 0);
  Watch watch;
  EXPECT_EQ(watch.Start(reactor, 901, kRead, Ignore, nullptr), EBADF);
  FILE* file = tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(watch.Start(reactor, fileno(file), kRead, Ignore, nullptr), EPERM);
  fclose(file);
  EXPECT_EQ(lines, 0);
  const UniqueFd good(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  EXPECT_EQ(watch.Start(reactor, good.get(), kReadWrite, Ignore, nullptr), 0);
  EXPECT_EQ(watch.Set(kNothing), 0);
  EXPECT_EQ(watch.Set(kRead), 0);
  EXPECT_EQ(watch.Set(kReadWrite), 0);
  EXPECT_EQ(lines, 0);
  event_set_log_callback(nullptr);
}

// A wake that comes when much was ready before is taken by the look that does not wait; then it
// must not wait either. It would for ever.
TEST(Reactor, AWakeIsNotLostWhereMuchWasReady) {
  const UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const UniqueFd ready[] = {UniqueFd(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)),
                            UniqueFd(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK))};
  Reactor reactor;
  ASSERT_EQ(reactor.Open(wake.get()), 0);
  Watch watches[2];
  for (int i = 0; i < 2; i++)
    ASSERT_EQ(watches[i].Start(reactor, ready[i].get(), kRead, Ignore, nullptr), 0);
  EXPECT_FALSE(reactor.PollOrSignal(INT64_MAX));
  EXPECT_EQ(reactor.ready_count(), 2u);
  for (Watch& watch : watches) EXPECT_EQ(watch.Set(kNothing), 0);
  Reactor::Wake(wake.get());
  EXPECT_FALSE(reactor.PollOrSignal(INT64_MAX));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// However little memory there is, from none at all to just enough.
int OpensWithLittle() {
  constexpr int kBlocks = 200;
  constexpr size_t kBlock = 250;
  void* blocks[kBlocks];
  for (void*& block : blocks) block = malloc(kBlock);
  const rlimit nothing_more{4096, RLIM_INFINITY};
  if (setrlimit(RLIMIT_AS, &nothing_more) != 0) return 1;
  for (size_t size = 1 << 20; size > 0; size /= 2)
    while (void* volatile taken = malloc(size)) (void)taken;
  int failed = 0;
  for (void* block : blocks) {
    const UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    Reactor reactor;
    const int opened = reactor.Open(wake.get());
    if (lines > 0) return 2;
    if (opened == 0) return failed > 0 ? 0 : 3;
    if (opened != ENOMEM) return 4;
    failed++;
    free(block);
  }
  return 5;
}
TEST(Reactor, IsSilentWithoutMemory) {
  event_set_log_callback(Count);
  lines = 0;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(OpensWithLittle());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  event_set_log_callback(nullptr);
}
#endif

}  // namespace
}  // namespace creche::platform
