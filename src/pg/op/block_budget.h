// BlockBudget: counts the blocks of an operation that its user holds; outlives the operation for as
// long as there are any.
#pragma once
#include <atomic>

#include "core/loop_job.h"
#include "pg/rows/rows.h"

namespace creche::pg {

class BlockBudget final : public BlockListener {
 public:
  class Owner {
   public:
    // The user has given one back. Loop's thread.
    virtual void OnBlockBack() noexcept = 0;

   protected:
    ~Owner() = default;
  };
  BlockBudget(Owner* owner, Loop& loop) : loop_(Ref<Loop>::Share(&loop)), owner_(owner) {}
  void BlockReleased() noexcept override {
    held_.fetch_sub(1);
    tell_.Submit(*loop_);
  }
  void Given() noexcept { held_.fetch_add(1); }
  uint32_t held() const noexcept { return held_.load(); }
  void Forget() noexcept { owner_ = nullptr; }

 private:
  void Tell() noexcept {
    if (owner_) owner_->OnBlockBack();
  }

  LoopJob<&BlockBudget::Tell> tell_{this};
  const Ref<Loop> loop_;
  Owner* owner_;  // loop's thread; null once it has ended
  std::atomic<uint32_t> held_{0};
};

}  // namespace creche::pg
