// HeldBody: holds the body of a response back until it is known where it goes: what had come with
// the head is kept, nothing more is received.
#pragma once
#include <utility>

#include "core/buffer.h"
#include "http/body/problems.h"
#include "http/body/sink.h"

namespace creche::http {

class HeldBody final : public BodySink {
 public:
  // What was kept goes there, and all that follows.
  Problem GoTo(BodySink* target) noexcept {
    target_ = target;
    if (Problem problem = target->Begin(expected_); problem.bad()) return problem;
    const Buffer kept = std::move(kept_);
    return kept.empty() ? Problem() : target->Append(kept.data(), kept.size());
  }
  Problem Begin(uint64_t expected) noexcept override {
    expected_ = expected;
    return {};
  }
  Problem Expect(uint64_t size) noexcept override {
    return target_ ? target_->Expect(size) : Problem();
  }
  Problem Append(const char* data, size_t size) noexcept override {
    if (target_) return target_->Append(data, size);
    return kept_.Append(data, size) ? Problem() : kNoMemory;
  }
  bool Keep(Buffer* memory) noexcept override { return target_ && target_->Keep(memory); }
  char* Room(uint64_t left, size_t* room) noexcept override {
    return target_ ? target_->Room(left, room) : nullptr;
  }
  size_t most() const noexcept override { return target_ ? target_->most() : SIZE_MAX; }
  bool full() const noexcept override { return !target_ || target_->full(); }
  bool low() const noexcept override { return target_ && target_->low(); }
  bool awaited() const noexcept override { return target_ && target_->awaited(); }
  Nanos patience() const noexcept override { return target_ ? target_->patience() : 0; }

 private:
  BodySink* target_ = nullptr;
  uint64_t expected_ = 0;
  Buffer kept_;
};

}  // namespace creche::http
