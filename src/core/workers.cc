#include "core/workers.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <vector>

#include "platform/thread.h"

namespace creche {

class Workers::Crew : public RefCounted {
 public:
  Crew(size_t limit, Nanos patience) : limit_(limit), patience_(patience) {}
  bool Submit(std::unique_ptr<WorkItem> item) noexcept;
  void Stop() noexcept;

 private:
  // One thread, until it is joined, or left alone by Stop.
  struct Worker {
    Crew* crew;
    pthread_t thread{};
    enum { kIdle, kRunning, kDone } state = kIdle;  // kDone: it returns now
  };
  using Crewmates = std::vector<std::unique_ptr<Worker>>;

  static void* Main(void* worker);
  void Work(Worker* worker) noexcept;
  bool StartThread() noexcept;
  // Takes the threads that are done out of mates_.
  Crewmates TakeDone();
  static void Join(const Crewmates& mates) noexcept;

  const size_t limit_;
  const std::chrono::nanoseconds patience_;
  std::mutex mutex_;
  std::condition_variable work_;
  // All guarded by mutex_.
  std::unique_ptr<WorkItem> first_;
  WorkItem* last_ = nullptr;
  size_t queued_ = 0;
  size_t idle_ = 0;
  bool stopped_ = false;
  Crewmates mates_;
};

bool Workers::Crew::Submit(std::unique_ptr<WorkItem> item) noexcept {
  const std::lock_guard lock(mutex_);
  if (stopped_) return false;
  if (idle_ <= queued_ && !StartThread() && mates_.empty()) return false;
  WorkItem* added = item.get();
  (first_ ? last_->next_ : first_) = std::move(item);
  last_ = added;
  queued_++;
  work_.notify_one();
  return true;
}

// With mutex_ held. False if there are enough threads, or none can be had.
bool Workers::Crew::StartThread() noexcept {
  try {
    Join(TakeDone());
    if (mates_.size() >= limit_) return false;
    mates_.push_back(std::make_unique<Worker>(Worker{.crew = this}));
  } catch (const std::bad_alloc&) {
    return false;
  }
  Worker* worker = mates_.back().get();
  AddRef();  // given back by Main, or by Stop
  if (platform::StartThread(&worker->thread, "creche-worker", Main, worker) != 0) {
    mates_.pop_back();
    Unref();
    return false;
  }
  idle_++;
  return true;
}

void* Workers::Crew::Main(void* worker) {
  auto* self = static_cast<Worker*>(worker);
  const Ref<Crew> crew = Ref<Crew>::Adopt(self->crew);
  crew->Work(self);
  return nullptr;
}

void Workers::Crew::Work(Worker* worker) noexcept {
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool called = work_.wait_for(lock, patience_, [this] { return first_ || stopped_; });
    idle_--;
    if (stopped_ || !called) {
      worker->state = Worker::kDone;
      return;
    }
    worker->state = Worker::kRunning;
    std::unique_ptr<WorkItem> item = std::move(first_);
    first_ = std::move(item->next_);
    queued_--;
    lock.unlock();
    item->Run();
    item.reset();
    lock.lock();
    // Stop has left this thread alone, and freed `worker`.
    if (stopped_) return;
    worker->state = Worker::kIdle;
    idle_++;
  }
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
  std::unique_ptr<WorkItem> dropped;
  Crewmates idle;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    dropped = std::move(first_);
    queued_ = 0;
    idle.swap(mates_);
    for (auto& mate : idle) {
      if (mate->state != Worker::kRunning) continue;
      pthread_detach(mate->thread);
      mate.reset();
    }
    std::erase(idle, nullptr);
    work_.notify_all();
  }
  Join(idle);
  while (dropped) dropped = std::move(dropped->next_);  // one by one: no recursion
}

Workers::Workers(size_t limit, Nanos patience) : crew_(MakeRef<Crew>(limit, patience)) {}
Workers::~Workers() {
  Stop();
}
bool Workers::Submit(std::unique_ptr<WorkItem> item) noexcept {
  return crew_->Submit(std::move(item));
}
void Workers::Stop() noexcept {
  crew_->Stop();
}

}  // namespace creche
