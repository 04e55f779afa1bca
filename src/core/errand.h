// Errand: something that blocks (a name look-up, reading certificates, a cancel request), run by a
// worker thread for the loop. What it needs and finds are its members.
#pragma once
#include <memory>
#include <new>

#include "core/loop.h"
#include "core/ref.h"
#include "core/workers.h"

namespace creche {

class Errand : public RefCounted, private Job {
 public:
  // Loop's thread, once. False without memory or a thread: neither Work nor Done will be called.
  [[nodiscard]] bool Go() noexcept {
    std::unique_ptr<WorkItem> item(new (std::nothrow) Item(this));
    return item && loop_->workers().Submit(std::move(item));
  }
  // Loop's thread: nobody waits any more, Done will not be called. What was found is freed by the
  // destructor, on any thread.
  void Abandon() noexcept { wanted_ = false; }

 protected:
  explicit Errand(Loop& loop) : Job(OnLoop), loop_(Ref<Loop>::Share(&loop)) {}
  // On a worker thread.
  virtual void Work() noexcept = 0;
  // On the loop's thread, after Work.
  virtual void Done() noexcept = 0;

 private:
  class Item : public WorkItem {
   public:
    explicit Item(Errand* errand) : errand_(Ref<Errand>::Share(errand)) {}
    void Run() noexcept override {
      errand_->Work();
      errand_->AddRef();  // given back by OnLoop
      if (!errand_->loop_->Submit(errand_.get())) errand_->Unref();
    }

   private:
    const Ref<Errand> errand_;
  };
  static void OnLoop(Job* job) noexcept {
    const auto self = Ref<Errand>::Adopt(static_cast<Errand*>(job));
    if (self->wanted_) self->Done();
  }

  const Ref<Loop> loop_;
  bool wanted_ = true;  // loop's thread
};

}  // namespace creche
