#include "platform/thread.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "platform/thread_options.h"
#include "platform/user_code.h"

namespace creche::platform {

namespace {

// Each by itself, so that a child of fork finds no lock held.
constinit std::atomic<size_t> g_stack_size{0};
constinit std::atomic<uint32_t> g_workers{0};
constinit std::atomic<uint64_t> g_prefix[2]{};  // the bytes of it; 0: the default

// Attributes of a thread, for as long as they live; none if the stack is the system's.
class Attributes {
 public:
  explicit Attributes(size_t stack_size) noexcept {
    if (stack_size == 0) return;
    failed_ = pthread_attr_init(&attributes_);
    made_ = failed_ == 0;
    if (made_) failed_ = pthread_attr_setstacksize(&attributes_, stack_size);
  }
  ~Attributes() {
    if (made_) pthread_attr_destroy(&attributes_);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  int failed() const noexcept { return failed_; }
  const pthread_attr_t* get() const noexcept { return made_ ? &attributes_ : nullptr; }

 private:
  pthread_attr_t attributes_;
  bool made_ = false;
  int failed_ = 0;
};

struct Begin {
  void* (*fn)(void*);
  void* arg;
};

void* Main(void* begin) {
  const Begin own = *std::unique_ptr<Begin>(static_cast<Begin*>(begin));
  // A callback may cancel the thread that it runs on.
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  return own.fn(own.arg);
}

}  // namespace

int SetThreadOptions(const ThreadOptions& options) noexcept {
  if (const int failed = Attributes(options.stack_size).failed(); failed != 0) return failed;
  g_stack_size.store(options.stack_size);
  g_workers.store(options.workers);
  static_assert(sizeof options.prefix == sizeof g_prefix);
  uint64_t words[2];
  memcpy(words, options.prefix, sizeof words);
  for (int i = 0; i < 2; i++) g_prefix[i].store(words[i]);
  return 0;
}

ThreadOptions GetThreadOptions() noexcept {
  ThreadOptions options;
  options.stack_size = g_stack_size.load();
  options.workers = g_workers.load();
  const uint64_t words[2] = {g_prefix[0].load(), g_prefix[1].load()};
  if (words[0] != 0) memcpy(options.prefix, words, sizeof words);
  return options;
}

int StartThread(pthread_t* thread, const char* name, void* (*fn)(void*), void* arg) noexcept {
  std::unique_ptr<Begin> begin(new (std::nothrow) Begin{fn, arg});
  if (!begin) return ENOMEM;
  const ThreadOptions options = GetThreadOptions();
  const Attributes attributes(options.stack_size);
  if (attributes.failed() != 0) return attributes.failed();
  // The new thread inherits the mask: block everything around its start, so that no signal of the
  // host's ever lands in it.
  sigset_t all, saved;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &saved);
  const int failed = pthread_create(thread, attributes.get(), Main, begin.get());
  pthread_sigmask(SIG_SETMASK, &saved, nullptr);
  if (failed) return failed;
  static_cast<void>(begin.release());  // Main's
  // Our own names begin with "creche"; those of loops may be the user's.
  constexpr char kOwn[] = "creche";
  const bool own = strncmp(name, kOwn, sizeof kOwn - 1) == 0;
  char cut[32];
  snprintf(cut, sizeof cut, "%s%.15s", own ? options.prefix : "",
           own ? name + sizeof kOwn - 1 : name);
  cut[15] = '\0';
  pthread_setname_np(*thread, cut);
  return 0;
}

void ParkThread() noexcept {
  for (;;) pause();
}

}  // namespace creche::platform
