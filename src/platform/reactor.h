// Reactor: readiness of descriptors and one wake-up, over a libevent base. All but Wake belongs to
// the loop's thread.
#pragma once
#include <cstdint>

struct event;
struct event_base;

namespace creche::platform {

class Reactor {
 public:
  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Makes the base. wake_fd: an eventfd, non-blocking, the caller's. Returns 0 or an errno.
  int Open(int wake_fd) noexcept;
  // Waits up to `timeout` nanoseconds (0: not at all; INT64_MAX: as long as it takes) until
  // descriptors are ready or Wake was called, and runs the callbacks of the ready ones, each once.
  // Never returns before a timeout is over for want of precision: it rounds up.
  void Poll(int64_t timeout) noexcept;
  // The same, but a signal handler that ran meanwhile ends the wait: true if one did. (libevent
  // goes on waiting by itself.) Costs one more syscall where it waits.
  bool PollOrSignal(int64_t timeout) noexcept;
  // Gives back the base with its descriptors: before the wake-up descriptor is closed, when nobody
  // polls any more and nothing is watched. On any one thread; what is left of it is only asked.
  void Close() noexcept;
  // Counts callbacks: the same number twice means that no descriptor was ready in between.
  uint64_t ready_count() const noexcept { return ready_count_; }
  // Until when the last Poll that waited was to wait; INT64_MAX: as long as it takes.
  int64_t wait_until() const noexcept { return wait_until_; }
  // When the first ready descriptor of the last Poll was come to; 0: none was ready.
  int64_t first_ready_at() const noexcept { return first_ready_at_; }
  // Makes the current or next Poll return, by its wake-up descriptor. From any thread, also from a
  // signal handler.
  static void Wake(int wake_fd) noexcept;
  // Its epoll descriptor, for a child of fork to close: event_base_free would take everything out
  // of the set, which the parent still uses. -1 if it is not known.
  int epoll_fd() const noexcept { return epoll_fd_; }

 private:
  friend class Watch;
  void NoteReady() noexcept;
  int Admit(int fd) noexcept;
  static void OnWake(int fd, short what, void* self);
  static void OnTimer(int fd, short what, void* self);

  event_base* base_ = nullptr;
  event* wake_event_ = nullptr;
  event* timer_ = nullptr;
  int epoll_fd_ = -1;
  bool timer_armed_ = false;
  int64_t timer_at_ = 0;
  int64_t wait_until_ = INT64_MAX;
  uint64_t ready_count_ = 0;
  bool busy_ = false;   // the last PollOrSignal found more than one
  bool woken_ = false;  // Wake was heard since that has begun
  int64_t first_ready_at_ = 0;
};

// What a descriptor is watched for.
enum Interest : unsigned { kNothing = 0, kRead = 1, kWrite = 2, kReadWrite = 3 };

// Watch: a persistent, level-triggered watch of one descriptor. Destroying or changing it in its
// own callback is fine. Loop's thread only. The descriptor must be open until the watch is stopped.
class Watch {
 public:
  // ready: Interest bits. Called from Reactor::Poll.
  using Callback = void (*)(void* arg, unsigned ready) noexcept;

  Watch() = default;
  ~Watch() { Stop(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Starts to watch `fd` for `interest` (may be kNothing). Returns 0 or an errno.
  int Start(Reactor& reactor, int fd, unsigned interest, Callback callback, void* arg) noexcept;
  // Changes what it is watched for; cheap if nothing changes. Returns 0 or an errno.
  int Set(unsigned interest) noexcept;
  void Stop() noexcept;
  bool started() const noexcept { return read_ != nullptr; }

 private:
  static void OnReady(int fd, short what, void* self);
  Reactor* reactor_ = nullptr;
  event* read_ = nullptr;
  event* write_ = nullptr;
  unsigned interest_ = kNothing;
  Callback callback_ = nullptr;
  void* arg_ = nullptr;
};

}  // namespace creche::platform
