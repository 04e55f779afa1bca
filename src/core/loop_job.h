// LoopJob: calls one member function of a counted object on its loop's thread. Embed one in the
// object: `LoopJob<&Pool::Open> open_job_{this};`. The object is kept until the call has returned.
#pragma once
#include "core/loop.h"
#include "core/ref.h"

namespace creche {

template <auto kCall>
class LoopJob;

template <class T, void (T::*kCall)() noexcept>
class LoopJob<kCall> : private Job {
 public:
  explicit LoopJob(T* owner) noexcept : Job(OnLoop), owner_(owner) {}

  // Any thread; the caller keeps the owner meanwhile. Asked for again before it was called it is
  // called once. False once the loop takes no more jobs: it will not be called.
  bool Submit(Loop& loop) noexcept {
    owner_->AddRef();  // given back by OnLoop
    const Submitted submitted = loop.Submit(this);
    if (submitted != Submitted::kYes) owner_->Unref();
    return submitted != Submitted::kRefused;
  }

 private:
  static void OnLoop(Job* job) noexcept {
    const auto owner = Ref<T>::Adopt(static_cast<LoopJob*>(job)->owner_);
    (owner.get()->*kCall)();
  }
  T* const owner_;
};

}  // namespace creche
