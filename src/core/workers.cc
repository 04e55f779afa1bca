#include "core/workers.h"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <vector>

#include "platform/clock.h"
#include "platform/fork.h"
#include "platform/thread.h"
#include "platform/thread_options.h"

namespace creche {

namespace {
std::chrono::steady_clock::time_point TimePoint(Nanos at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at));
}
}  // namespace

class Workers::Pool : public RefCounted {
 public:
  Pool(Bound bound, Nanos patience) : bound_(bound), patience_(patience) {}
  int Submit(WorkItem* item) noexcept;
  bool Withdraw(WorkItem* item) noexcept;
  void Stop() noexcept;

 private:
  // One thread, until it is joined, or left alone by Stop.
  struct Worker {
    Pool* pool;
    pthread_t thread{};
    // kCalled: about to take an item, or waiting until it may; kDone: it returns now.
    enum { kIdle, kCalled, kRunning, kDone } state = kCalled;
    Nanos began = 0;       // with what it runs
    bool resting = false;  // on a stack; who takes it down wakes it
    Worker* below = nullptr;
    std::condition_variable wake;
  };
  using WorkerList = std::vector<std::unique_ptr<Worker>>;

  static void* Main(void* worker);
  void Work(Worker* worker) noexcept;
  // All of these with mutex_ held.
  bool AwaitItem(Worker* worker, std::unique_lock<std::mutex>& lock) noexcept;
  bool Rest(Worker** stack, Worker* worker, Nanos until,
            std::unique_lock<std::mutex>& lock) noexcept;
  static Worker* WakeTop(Worker** stack) noexcept;
  Nanos MayTakeAt() noexcept;
  int CallAsNeeded() noexcept;
  int StartThread() noexcept;
  // Takes the threads that are done out of workers_.
  WorkerList TakeDone();
  static void Join(const WorkerList& workers) noexcept;

  const Bound bound_;
  const Nanos patience_;
  std::mutex mutex_;
  // All guarded by mutex_.
  List<WorkItem> items_;
  size_t queued_ = 0;  // how many items those are
  size_t called_ = 0;
  size_t running_ = 0;
  // Stacks: who has been there for the longest is at the bottom.
  Worker* idle_ = nullptr;      // without work
  Worker* at_bound_ = nullptr;  // called, while as many run as may
  bool stopped_ = false;
  WorkerList workers_;
};

int Workers::Pool::Submit(WorkItem* item) noexcept {
  int failed = ECANCELED;
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_) {
      items_.PushBack(item);
      queued_++;
      failed = CallAsNeeded();
      // Whoever is there, even if inside an item, will take it.
      if (failed == 0 || called_ + running_ > 0) return 0;
      items_.Remove(item);
      queued_--;
    }
  }
  item->Refused(failed);
  item->LetGo();
  return failed;
}

bool Workers::Pool::Withdraw(WorkItem* item) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!items_.Has(item)) return false;
    items_.Remove(item);
    queued_--;
  }
  item->LetGo();
  return true;
}

// A thread for each item that may be begun with, and one that waits until the next may. Returns 0,
// or why no thread could be had.
int Workers::Pool::CallAsNeeded() noexcept {
  if (at_bound_ && queued_ > 0 && MayTakeAt() == 0) WakeTop(&at_bound_);
  if (called_ >= queued_) return 0;
  if (called_ > 0 && running_ + called_ >= bound_.limit) return 0;
  if (!idle_) return StartThread();
  WakeTop(&idle_)->state = Worker::kCalled;
  called_++;
  return 0;
}

int Workers::Pool::StartThread() noexcept {
  try {
    Join(TakeDone());
    if (workers_.size() >= bound_.most) return EAGAIN;
    workers_.push_back(std::make_unique<Worker>());
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
  Worker* worker = workers_.back().get();
  worker->pool = this;
  AddRef();  // given back by Main
  const int failed = platform::StartThread(&worker->thread, "creche-worker", Main, worker);
  if (failed != 0) {
    workers_.pop_back();
    Unref();
    return failed;
  }
  called_++;
  return 0;
}

void* Workers::Pool::Main(void* worker) {
  auto* self = static_cast<Worker*>(worker);
  const Ref<Pool> pool = Ref<Pool>::Adopt(self->pool);
  pool->Work(self);
  return nullptr;
}

void Workers::Pool::Work(Worker* worker) noexcept {
  std::unique_lock lock(mutex_);
  while (AwaitItem(worker, lock)) {
    WorkItem* item = items_.PopFront();
    queued_--;
    worker->state = Worker::kRunning;
    called_--;
    running_++;
    if (bound_.slow != kNever) worker->began = platform::MonotonicNow();
    static_cast<void>(CallAsNeeded());  // for what is left; without a thread this one comes back
    lock.unlock();
    item->Run();
    {
      const platform::ForkHold hold;  // it may be the last, and free what is of other libraries
      item->LetGo();
    }
    lock.lock();
    // Stop has left this thread alone, and freed `worker`.
    if (stopped_) return;
    running_--;
    worker->state = Worker::kCalled;
    called_++;
  }
}

// False if the thread is to end: it is kDone then.
bool Workers::Pool::AwaitItem(Worker* worker, std::unique_lock<std::mutex>& lock) noexcept {
  while (!stopped_) {
    if (!items_.empty()) {
      const Nanos at = MayTakeAt();
      if (at == 0) return true;
      static_cast<void>(Rest(&at_bound_, worker, at, lock));
      continue;
    }
    worker->state = Worker::kIdle;
    called_--;
    if (!Rest(&idle_, worker, After(platform::MonotonicNow(), patience_), lock)) break;
  }
  if (worker->state == Worker::kCalled) called_--;
  worker->state = Worker::kDone;
  return false;
}

// Waits on one of the stacks. False if nobody has taken it down in time.
bool Workers::Pool::Rest(Worker** stack, Worker* worker, Nanos until,
                         std::unique_lock<std::mutex>& lock) noexcept {
  worker->resting = true;
  worker->below = *stack;
  *stack = worker;
  const auto taken = [&] { return stopped_ || !worker->resting; };
  if (worker->wake.wait_until(lock, TimePoint(until), taken)) return true;
  while (*stack != worker) stack = &(*stack)->below;
  *stack = worker->below;
  worker->resting = false;
  return false;
}

Workers::Pool::Worker* Workers::Pool::WakeTop(Worker** stack) noexcept {
  Worker* worker = *stack;
  *stack = worker->below;
  worker->resting = false;
  worker->wake.notify_one();
  return worker;
}

// When the next item may be begun with: 0 is now.
Nanos Workers::Pool::MayTakeAt() noexcept {
  if (running_ < bound_.limit) return 0;
  if (bound_.slow == kNever) return kNever;
  const Nanos now = platform::MonotonicNow();
  size_t counted = 0;
  Nanos oldest = kNever;
  for (const auto& worker : workers_) {
    if (worker->state != Worker::kRunning || worker->began <= now - bound_.slow) continue;
    counted++;
    oldest = std::min(oldest, worker->began);
  }
  return counted < bound_.limit ? 0 : oldest + bound_.slow;
}

Workers::Pool::WorkerList Workers::Pool::TakeDone() {
  WorkerList done;
  done.reserve(workers_.size());  // nothing can fail half-way
  for (auto& worker : workers_)
    if (worker->state == Worker::kDone) done.push_back(std::move(worker));
  std::erase(workers_, nullptr);
  return done;
}

void Workers::Pool::Join(const WorkerList& workers) noexcept {
  for (const auto& worker : workers) pthread_join(worker->thread, nullptr);
}

void Workers::Pool::Stop() noexcept {
  WorkerList idle;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    idle.swap(workers_);
    for (auto& worker : idle) {
      if (worker->state != Worker::kRunning) {
        worker->wake.notify_one();
        continue;
      }
      pthread_detach(worker->thread);
      worker.reset();
    }
    std::erase(idle, nullptr);
  }
  Join(idle);
  for (;;) {
    WorkItem* item = nullptr;
    {
      const std::lock_guard lock(mutex_);  // one may be withdrawn meanwhile
      item = items_.PopFront();
      queued_ = 0;
    }
    if (!item) return;
    item->LetGo();
  }
}

static Workers::Bound OwnBound(WorkKind kind) noexcept {
  switch (kind) {
    case WorkKind::kDns:
      // Nothing stops the system's resolver once it waits for a server that is dead.
      return {.limit = 64, .slow = 25 * kMillisecond, .most = 512};
    case WorkKind::kCancel:
      return {.limit = 16, .slow = 100 * kMillisecond, .most = 256};
    case WorkKind::kCrypto:
      // Bound by processors, and those belong to the host; the second figure is for fairness.
      return {.limit = 2, .slow = 50 * kMillisecond, .most = 8};
    case WorkKind::kAsk:
      return {.limit = 8, .slow = 25 * kMillisecond, .most = 128};
    case WorkKind::kFile:
      break;
  }
  return {.limit = 4, .slow = 25 * kMillisecond, .most = 64};
}

Workers::Bound Workers::BoundOf(WorkKind kind) noexcept {
  Bound bound = OwnBound(kind);
  if (const size_t most = platform::GetThreadOptions().workers; most != 0) {
    bound.most = std::min(bound.most, most);
    bound.limit = std::min(bound.limit, bound.most);
  }
  return bound;
}

Workers::Workers(Bound bound, Nanos patience) : pool_(MakeRef<Pool>(bound, patience)) {}
Workers::~Workers() {
  Stop();
}
int Workers::Submit(WorkItem* item) noexcept {
  return pool_->Submit(item);
}
bool Workers::Withdraw(WorkItem* item) noexcept {
  return pool_->Withdraw(item);
}
void Workers::Stop() noexcept {
  pool_->Stop();
}

}  // namespace creche
