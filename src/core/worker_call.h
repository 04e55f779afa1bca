// WorkerCall: something that blocks (a name look-up, reading certificates, a cancel request), done
// by a worker thread for the loop. What it needs and finds are its members.
#pragma once
#include "core/loop_job.h"
#include "core/ref.h"
#include "core/workers.h"
#include "platform/fork.h"

namespace creche {

class WorkerCall : public RefCounted, private WorkItem {
 public:
  // Loop's thread, once. False without memory or a thread: neither Work nor Done will be called.
  [[nodiscard]] bool Start() noexcept {
    AddRef();  // given back by LetGo
    start_errno_ = workers_.Submit(this);
    return start_errno_ == 0;
  }
  // Why Start has failed: ECANCELED while the loop closes, EAGAIN, EPERM, ENOMEM.
  int start_errno() const noexcept { return start_errno_; }
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
  // What asks the user is nothing that a fork or the end of the process waits for: he may be the
  // one who forks.
  WorkerCall(Loop& loop, WorkKind kind) : WorkerCall(loop, loop.workers(kind)) {
    asks_ = kind == WorkKind::kAsk;
  }
  // workers: they outlive Start and Abandon.
  WorkerCall(Loop& loop, Workers& workers) : loop_(Ref<Loop>::Share(&loop)), workers_(workers) {}
  // On a worker thread.
  virtual void Work() noexcept = 0;
  // On the loop's thread, after Work.
  virtual void Done() noexcept = 0;

 private:
  void Run() noexcept override {
    if (asks_) {
      Work();
    } else {
      const platform::ForkHold hold;
      Work();
    }
    done_.Submit(*loop_);
  }
  void LetGo() noexcept override { Unref(); }
  void Finish() noexcept {
    if (wanted_) Done();
  }

  const Ref<Loop> loop_;
  Workers& workers_;
  int start_errno_ = 0;
  LoopJob<&WorkerCall::Finish> done_{this};
  bool asks_ = false;
  bool wanted_ = true;  // loop's thread
};

}  // namespace creche
