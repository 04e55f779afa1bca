// Closing: how a session or a pool ends: who is to be told, and when: after the last callback of
// its operations. Lives in that object.
#pragma once
#include <atomic>
#include <vector>

#include "platform/lock.h"
#include "tasks/operation.h"

namespace creche::tasks {

class Closing {
 public:
  // queue: where completions with Route::kDefault go; 0: nobody is told.
  Closing(Loop& loop, Resident* resident, uint64_t queue)
      : loop_(loop), resident_(resident), queue_(queue) {}

  // ---- Any thread ----
  // Somebody wants to be told of the end; at once if it was before. args: its route and user.
  // value: the handle of the object. kEnded or kClosed if nobody could be told any more: the loop
  // has ended, or the queue is closed. Throws bad_alloc.
  Status Tell(const StartArgs& args, uint64_t value);
  // An operation of the object was made (look afterwards whether the object still takes any), and
  // is destroyed. The object must live until Leave has returned.
  void Enter() noexcept { operations_.fetch_add(1); }
  void Leave() noexcept {
    if (operations_.fetch_sub(1) == 1 && closed_.load()) EndIfUnused();
  }

  // ---- Loop's thread ----
  // It takes no more operations: those that wait for a limit begin now, to be told so, and users'
  // bodies in them are told to hurry, with this text.
  void Begin(const char* text) noexcept { TellOfClose(loop_, resident_, text); }
  // The object has let go of everything. When its last operation has been destroyed, its
  // completions follow, and it is the loop's resident no more.
  void Closed() noexcept {
    closed_.store(true);
    EndIfUnused();
  }

 private:
  void EndIfUnused() noexcept;

  Loop& loop_;
  Resident* const resident_;
  const uint64_t queue_;
  std::atomic<uint32_t> operations_{0};
  std::atomic<bool> closed_{false};
  platform::Lock lock_;  // guards the rest
  bool ended_ = false;
  std::vector<CloseNotice> notices_;
};

// An operation's hold on the object that it belongs to, T, whose Closing is T::uses().
template <class T>
class ResidentUse {
 public:
  explicit ResidentUse(Ref<T> object) : object_(std::move(object)) { object_->uses().Enter(); }
  ResidentUse(ResidentUse&&) noexcept = default;
  ~ResidentUse() {
    if (object_) object_->uses().Leave();
  }
  const Ref<T>& ref() const noexcept { return object_; }
  T* get() const noexcept { return object_.get(); }
  T* operator->() const noexcept { return object_.get(); }
  T& operator*() const noexcept { return *object_; }

 private:
  Ref<T> object_;
};

}  // namespace creche::tasks
