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
#include "platform/thread.h"

namespace creche {

namespace {
std::chrono::steady_clock::time_point TimePoint(Nanos at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at));
}
}  // namespace

class Workers::Crew : public RefCounted {
 public:
  Crew(Bound bound, Nanos patience) : bound_(bound), patience_(patience) {}
  int Submit(WorkItem* item) noexcept;
  bool Withdraw(WorkItem* item) noexcept;
  void Stop() noexcept;

 private:
  // One thread, until it is joined, or left alone by Stop.
  struct Worker {
    Crew* crew;
    pthread_t thread{};
    // kCalled: about to take an item, or waiting until it may; kDone: it returns now.
    enum { kIdle, kCalled, kRunning, kDone } state = kCalled;
    Nanos began = 0;       // with what it runs
    bool resting = false;  // on a stack; who takes it down wakes it
    Worker* below = nullptr;
    std::condition_variable wake;
  };
  using Crewmates = std::vector<std::unique_ptr<Worker>>;

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
  void Append(WorkItem* item) noexcept;
  void Remove(WorkItem* item) noexcept;
  // Takes the threads that are done out of mates_.
  Crewmates TakeDone();
  static void Join(const Crewmates& mates) noexcept;

  const Bound bound_;
  const Nanos patience_;
  std::mutex mutex_;
  // All guarded by mutex_.
  WorkItem* first_ = nullptr;
  WorkItem* last_ = nullptr;
  size_t queued_ = 0;
  size_t called_ = 0;
  size_t running_ = 0;
  // Stacks: who has been there for the longest is at the bottom.
  Worker* idle_ = nullptr;      // without work
  Worker* at_bound_ = nullptr;  // called, while as many run as may
  bool stopped_ = false;
  Crewmates mates_;
};

void Workers::Crew::Append(WorkItem* item) noexcept {
  item->queued_ = true;
  item->prev_ = last_;
  (last_ ? last_->next_ : first_) = item;
  last_ = item;
  queued_++;
}

void Workers::Crew::Remove(WorkItem* item) noexcept {
  (item->prev_ ? item->prev_->next_ : first_) = item->next_;
  (item->next_ ? item->next_->prev_ : last_) = item->prev_;
  item->next_ = item->prev_ = nullptr;
  item->queued_ = false;
  queued_--;
}

int Workers::Crew::Submit(WorkItem* item) noexcept {
  int failed = ECANCELED;
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_) {
      Append(item);
      failed = CallAsNeeded();
      // Whoever is there, even if inside an item, will take it.
      if (failed == 0 || called_ + running_ > 0) return 0;
      Remove(item);
    }
  }
  item->Refused(failed);
  item->LetGo();
  return failed;
}

bool Workers::Crew::Withdraw(WorkItem* item) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!item->queued_) return false;
    Remove(item);
  }
  item->LetGo();
  return true;
}

// A thread for each item that may be begun with, and one that waits until the next may. Returns 0,
// or why no thread could be had.
int Workers::Crew::CallAsNeeded() noexcept {
  if (at_bound_ && queued_ > 0 && MayTakeAt() == 0) WakeTop(&at_bound_);
  if (called_ >= queued_) return 0;
  if (called_ > 0 && running_ + called_ >= bound_.limit) return 0;
  if (!idle_) return StartThread();
  WakeTop(&idle_)->state = Worker::kCalled;
  called_++;
  return 0;
}

int Workers::Crew::StartThread() noexcept {
  try {
    Join(TakeDone());
    if (mates_.size() >= bound_.most) return EAGAIN;
    mates_.push_back(std::make_unique<Worker>());
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
  Worker* worker = mates_.back().get();
  worker->crew = this;
  AddRef();  // given back by Main
  const int failed = platform::StartThread(&worker->thread, "creche-worker", Main, worker);
  if (failed != 0) {
    mates_.pop_back();
    Unref();
    return failed;
  }
  called_++;
  return 0;
}

void* Workers::Crew::Main(void* worker) {
  auto* self = static_cast<Worker*>(worker);
  const Ref<Crew> crew = Ref<Crew>::Adopt(self->crew);
  crew->Work(self);
  return nullptr;
}

void Workers::Crew::Work(Worker* worker) noexcept {
  std::unique_lock lock(mutex_);
  while (AwaitItem(worker, lock)) {
    WorkItem* item = first_;
    Remove(item);
    worker->state = Worker::kRunning;
    called_--;
    running_++;
    if (bound_.slow != kNever) worker->began = platform::MonotonicNow();
    static_cast<void>(CallAsNeeded());  // for what is left; without a thread this one comes back
    lock.unlock();
    item->Run();
    item->LetGo();
    lock.lock();
    // Stop has left this thread alone, and freed `worker`.
    if (stopped_) return;
    running_--;
    worker->state = Worker::kCalled;
    called_++;
  }
}

// False if the thread is to end: it is kDone then.
bool Workers::Crew::AwaitItem(Worker* worker, std::unique_lock<std::mutex>& lock) noexcept {
  while (!stopped_) {
    if (first_) {
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
bool Workers::Crew::Rest(Worker** stack, Worker* worker, Nanos until,
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

Workers::Crew::Worker* Workers::Crew::WakeTop(Worker** stack) noexcept {
  Worker* worker = *stack;
  *stack = worker->below;
  worker->resting = false;
  worker->wake.notify_one();
  return worker;
}

// When the next item may be begun with: 0 is now.
Nanos Workers::Crew::MayTakeAt() noexcept {
  if (running_ < bound_.limit) return 0;
  if (bound_.slow == kNever) return kNever;
  const Nanos now = platform::MonotonicNow();
  size_t counted = 0;
  Nanos oldest = kNever;
  for (const auto& mate : mates_) {
    if (mate->state != Worker::kRunning || mate->began <= now - bound_.slow) continue;
    counted++;
    oldest = std::min(oldest, mate->began);
  }
  return counted < bound_.limit ? 0 : oldest + bound_.slow;
}

Workers::Crew::Crewmates Workers::Crew::TakeDone() {
  Crewmates done;
  done.reserve(mates_.size());  // nothing can fail half-way
  for (auto& mate : mates_)
    if (mate->state == Worker::kDone) done.push_back(std::move(mate));
  std::erase(mates_, nullptr);
  return done;
}

void Workers::Crew::Join(const Crewmates& mates) noexcept {
  for (const auto& mate : mates) pthread_join(mate->thread, nullptr);
}

void Workers::Crew::Stop() noexcept {
  WorkItem* dropped = nullptr;
  Crewmates idle;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    dropped = first_;
    for (WorkItem* item = first_; item; item = item->next_) item->queued_ = false;
    first_ = last_ = nullptr;
    queued_ = 0;
    idle.swap(mates_);
    for (auto& mate : idle) {
      if (mate->state != Worker::kRunning) {
        mate->wake.notify_one();
        continue;
      }
      pthread_detach(mate->thread);
      mate.reset();
    }
    std::erase(idle, nullptr);
  }
  Join(idle);
  while (WorkItem* item = dropped) {
    dropped = item->next_;
    item->next_ = item->prev_ = nullptr;
    item->LetGo();
  }
}

Workers::Bound Workers::BoundOf(WorkKind kind) noexcept {
  switch (kind) {
    case WorkKind::kDns:
      // Nothing stops the system's resolver once it waits for a server that is dead.
      return {.limit = 64, .slow = 25 * kMillisecond, .most = 512};
    case WorkKind::kCancel:
      return {.limit = 16, .slow = 100 * kMillisecond, .most = 256};
    case WorkKind::kCrypto:
      // Bound by processors, and those belong to the host; the second figure is for fairness.
      return {.limit = 2, .slow = 50 * kMillisecond, .most = 8};
    case WorkKind::kFile:
      break;
  }
  return {.limit = 4, .slow = 25 * kMillisecond, .most = 64};
}

Workers::Workers(Bound bound, Nanos patience) : crew_(MakeRef<Crew>(bound, patience)) {}
Workers::~Workers() {
  Stop();
}
int Workers::Submit(WorkItem* item) noexcept {
  return crew_->Submit(item);
}
bool Workers::Withdraw(WorkItem* item) noexcept {
  return crew_->Withdraw(item);
}
void Workers::Stop() noexcept {
  crew_->Stop();
}

}  // namespace creche
