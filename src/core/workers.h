// Workers: threads for what must block (name look-ups, cancel requests, offloaded functions). They
// are started when needed, up to a limit, and go again after a while without work. All signals are
// blocked in them. Any thread.
#pragma once
#include <cstddef>
#include <memory>

#include "core/ref.h"
#include "core/status.h"

namespace creche {

class WorkItem {
 public:
  virtual ~WorkItem() = default;
  // On a worker thread, once; the item is destroyed there afterwards.
  virtual void Run() noexcept = 0;

 private:
  friend class Workers;
  std::unique_ptr<WorkItem> next_;
};

class Workers {
 public:
  static constexpr size_t kDefaultLimit = 40;
  static constexpr Nanos kPatience = 10 * kSecond;
  // limit: of threads. patience: of a thread without work, before it goes. No thread is started
  // before the first item. Throws bad_alloc.
  explicit Workers(size_t limit = kDefaultLimit, Nanos patience = kPatience);
  // Stops.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Queues an item, first in, first out. False if stopped, or without memory or a thread to run it:
  // the item is destroyed without having run.
  bool Submit(std::unique_ptr<WorkItem> item) noexcept;
  // Refuses new items, destroys those that have not begun, and joins the threads that are idle.
  // Those inside an item are left to finish it on their own: nobody waits for them. Idempotent; not
  // to be called from an item.
  void Stop() noexcept;

 private:
  class Crew;  // what the threads share: outlives Workers while one of them is inside an item
  Ref<Crew> crew_;
};

}  // namespace creche
