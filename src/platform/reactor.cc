#include "platform/reactor.h"

#include <event2/event.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "platform/clock.h"
#include "platform/thread.h"
#include "platform/wait.h"

namespace creche::platform {

namespace {
// What a base needs: an epoll set and a pipe.
constexpr int kNeeded = 3;

// libevent writes a line to stderr, or to a log that belongs to the host, when it gets no epoll
// set, and ends the process when it gets no pipe. So look first whether both can be had, and under
// which numbers. Returns 0 or an errno.
int LookForDescriptors(int (&found)[kNeeded]) {
  found[0] = epoll_create1(EPOLL_CLOEXEC);
  if (found[0] < 0) return errno;
  int pipe[2];
  int failed = 0;
  if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    failed = errno;
  } else {
    for (const int i : {0, 1}) {
      found[i + 1] = pipe[i];
      close(pipe[i]);
    }
  }
  close(found[0]);
  return failed;
}

// libevent also writes such a line when it gets no memory for a base, some 1,100 bytes in four
// pieces. So look whether there is more than that, in one piece: what is free then is what it gets.
// Another thread may take it first, or an allocator refuse one call and not the next: against that
// line nothing sound is to be had. The log's callback is the whole process's; it cannot be asked
// for, to be put back, and other threads may log by it at the same time.
bool LookForMemory() {
  constexpr size_t kRoom = 4096;
  void* volatile room = std::malloc(kRoom);  // volatile: not to be optimised away
  std::free(room);
  return room != nullptr;
}

// The epoll descriptor of a base, which libevent does not tell: the one in whose set `wake_fd` is.
// Asked by setting what is set already, which fails without effect everywhere else. `likely`: the
// numbers that were free before; other threads may have been faster. -1 if it is not found.
int FindEpoll(int wake_fd, const int (&likely)[kNeeded]) {
  const auto has = [wake_fd](int fd) {
    epoll_event same{};
    same.events = EPOLLIN;
    same.data.fd = wake_fd;
    // Not by the C library's function: ThreadSanitizer would see a race with whoever closes `fd`.
    return syscall(SYS_epoll_ctl, fd, EPOLL_CTL_MOD, wake_fd, &same) == 0;
  };
  for (const int fd : likely)
    if (has(fd)) return fd;
  constexpr int kFurther = 256;
  for (int fd = 0; fd < likely[kNeeded - 1] + kFurther; fd++)
    if (has(fd)) return fd;
  return -1;
}
}  // namespace

Reactor::Reactor() = default;

Reactor::~Reactor() {
  Close();
}

void Reactor::Close() noexcept {
  const NotCancelled here;
  if (wake_event_) event_free(std::exchange(wake_event_, nullptr));
  if (timer_) event_free(std::exchange(timer_, nullptr));
  if (base_) event_base_free(std::exchange(base_, nullptr));
}

int Reactor::Open(int wake_fd) noexcept {
  event_config* config = event_config_new();
  if (!config) return ENOMEM;
  // Every call comes from the loop's thread (Wake writes to a descriptor), so no locks inside; and
  // the environment must not switch backends of somebody else's program.
  event_config_set_flag(
      config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_NO_CACHE_TIME);
  int found[kNeeded];
  if (const int failed = LookForDescriptors(found)) {
    event_config_free(config);
    return failed;
  }
  errno = 0;
  if (LookForMemory()) base_ = event_base_new_with_config(config);
  event_config_free(config);
  if (!base_) return errno ? errno : ENOMEM;
  // Without memory for that of epoll it takes the next best method, for good.
  if (std::strcmp(event_base_get_method(base_), "epoll") != 0) return ENOMEM;
  wake_event_ = event_new(base_, wake_fd, EV_READ | EV_PERSIST, OnWake, this);
  timer_ = event_new(base_, -1, 0, OnTimer, this);
  if (!wake_event_ || !timer_ || event_add(wake_event_, nullptr) != 0) return ENOMEM;
  epoll_fd_ = FindEpoll(wake_fd, found);
  return 0;
}

void Reactor::Poll(int64_t timeout) noexcept {
  // One round: without EVLOOP_ONCE, EVLOOP_NONBLOCK goes on as long as anything is ready, and so
  // for ever with a peer who is fast enough.
  constexpr int kNoWait = EVLOOP_NONBLOCK | EVLOOP_ONCE;
  int flags = EVLOOP_ONCE;
  if (timeout <= 0) {
    flags = kNoWait;
  } else if (wait_until_ = INT64_MAX; timeout != INT64_MAX) {
    // Re-armed only when it must fire earlier: one that fires too early costs a turn, not a
    // syscall.
    const int64_t at = MonotonicNow() + timeout;
    wait_until_ = at;
    if (!timer_armed_ || at < timer_at_) {
      const int64_t us = (timeout + 999) / 1000;
      const timeval tv{static_cast<time_t>(us / 1'000'000),
                       static_cast<suseconds_t>(us % 1'000'000)};
      if (event_add(timer_, &tv) == 0) {
        timer_armed_ = true;
        timer_at_ = at;
      } else {
        flags = kNoWait;
      }
    }
  }
  first_ready_at_ = 0;
  event_base_loop(base_, flags);
}

bool Reactor::PollOrSignal(int64_t timeout) noexcept {
  if (timeout <= 0 || epoll_fd_ < 0) {
    Poll(timeout);
    return false;
  }
  const uint64_t before = ready_count_;
  woken_ = false;
  // Where much was ready, there is more: then it does not wait, and needs no other syscall.
  if (busy_) Poll(0);
  bool signalled = false;
  if (ready_count_ == before && !woken_) {
    const int64_t now = MonotonicNow();
    const int64_t until = timeout < INT64_MAX - now ? now + timeout : INT64_MAX;
    wait_until_ = until;
    signalled = WaitReadyIn(epoll_fd_, until) == EINTR;
    Poll(0);
  }
  busy_ = ready_count_ > before + 1;
  return signalled;
}

// Puts a descriptor into the epoll set by hand. libevent finds it there and only changes what it is
// watched for, which needs no room: what has none would be a line in the host's log.
int Reactor::Admit(int fd) noexcept {
  if (epoll_fd_ < 0) return 0;
  epoll_event nothing{};
  nothing.data.fd = fd;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &nothing) == 0 || errno == EEXIST ? 0 : errno;
}

void Reactor::NoteReady() noexcept {
  if (first_ready_at_ == 0) first_ready_at_ = MonotonicNow();
}

void Reactor::Wake(int wake_fd) noexcept {
  const int saved = errno;
  const uint64_t one = 1;
  // No cancellation point, as the function of the C library would be.
  [[maybe_unused]] const long n = syscall(SYS_write, wake_fd, &one, sizeof one);
  errno = saved;
}

void Reactor::OnWake(int fd, short, void* self) {
  static_cast<Reactor*>(self)->woken_ = true;
  uint64_t count;
  [[maybe_unused]] const ssize_t n = read(fd, &count, sizeof count);
}

void Reactor::OnTimer(int, short, void* self) {
  static_cast<Reactor*>(self)->timer_armed_ = false;
}

int Watch::Start(Reactor& reactor, int fd, unsigned interest, Callback callback,
                 void* arg) noexcept {
  Stop();
  reactor_ = &reactor;
  callback_ = callback;
  arg_ = arg;
  read_ = event_new(reactor.base_, fd, EV_READ | EV_PERSIST, OnReady, this);
  write_ = event_new(reactor.base_, fd, EV_WRITE | EV_PERSIST, OnReady, this);
  if (!read_ || !write_) {
    Stop();
    return ENOMEM;
  }
  return Set(interest);
}

int Watch::Set(unsigned interest) noexcept {
  const unsigned changed = interest ^ interest_;
  if (interest_ == kNothing && changed != 0)
    if (const int refused = reactor_->Admit(event_get_fd(read_))) return refused;
  int failed = 0;
  if (changed & kRead) failed |= interest & kRead ? event_add(read_, nullptr) : event_del(read_);
  if (changed & kWrite)
    failed |= interest & kWrite ? event_add(write_, nullptr) : event_del(write_);
  if (failed) return errno ? errno : ENOMEM;
  interest_ = interest;
  return 0;
}

void Watch::Stop() noexcept {
  if (read_) event_free(read_);
  if (write_) event_free(write_);
  read_ = write_ = nullptr;
  interest_ = kNothing;
}

void Watch::OnReady(int, short what, void* self) {
  auto* watch = static_cast<Watch*>(self);
  watch->reactor_->ready_count_++;
  watch->reactor_->NoteReady();
  watch->callback_(watch->arg_, (what & EV_READ ? kRead : 0u) | (what & EV_WRITE ? kWrite : 0u));
}

}  // namespace creche::platform
