// Errand: something that blocks (a name look-up, reading certificates, a cancel request), run by a
// worker thread for the loop. What it needs and finds are its members.
#pragma once
#include "core/loop.h"
#include "core/ref.h"
#include "core/workers.h"
#include "platform/fork.h"

namespace creche {

class Errand : public RefCounted, private Job, private WorkItem {
 public:
  // Loop's thread, once. False without memory or a thread: neither Work nor Done will be called.
  [[nodiscard]] bool Go() noexcept {
    AddRef();  // given back by LetGo
    why_not_ = workers_.Submit(this);
    return why_not_ == 0;
  }
  // Why Go has failed: ECANCELED while the loop closes, EAGAIN, EPERM, ENOMEM.
  int why_not() const noexcept { return why_not_; }
  // Loop's thread: nobody waits any more, Done will not be called. What was found is freed by the
  // destructor, on any thread. If it has not begun it never does.
  void Abandon() noexcept {
    wanted_ = false;
    workers_.Withdraw(this);
  }
  // The same if it has not begun; true then. Otherwise it goes on, and Done follows.
  bool TakeBack() noexcept {
    if (!workers_.Withdraw(this)) return false;
    wanted_ = false;
    return true;
  }

 protected:
  Errand(Loop& loop, WorkKind kind) : Errand(loop, loop.workers(kind)) {}
  // workers: they outlive Go and Abandon.
  Errand(Loop& loop, Workers& workers)
      : Job(OnLoop), loop_(Ref<Loop>::Share(&loop)), workers_(workers) {}
  // On a worker thread.
  virtual void Work() noexcept = 0;
  // On the loop's thread, after Work.
  virtual void Done() noexcept = 0;

 private:
  void Run() noexcept override {
    {
      const platform::ForkHold hold;
      Work();
    }
    AddRef();  // given back by OnLoop
    if (!loop_->Submit(this)) Unref();
  }
  void LetGo() noexcept override { Unref(); }
  static void OnLoop(Job* job) noexcept {
    const auto self = Ref<Errand>::Adopt(static_cast<Errand*>(job));
    if (self->wanted_) self->Done();
  }

  const Ref<Loop> loop_;
  Workers& workers_;
  int why_not_ = 0;
  bool wanted_ = true;  // loop's thread
};

}  // namespace creche
