// Hold: a call that waits for its turn before it sends anything (Next::kHold): until others have
// had theirs, or somebody has found a token. Loop's thread only.
#pragma once
#include "core/list.h"

namespace creche::http {

// The call.
class Held {
 public:
  // It is its turn; called once, in a clean place. It may be gone afterwards.
  virtual void GoOn() noexcept = 0;

 protected:
  ~Held() = default;
};

// Its place in a line. Destroying it leaves the line.
class Hold final : private ListNode<Hold> {
 public:
  using Line = List<Hold>;
  Hold(Line* line, Held* held) : held_(held) { line->PushBack(this); }
  ~Hold() { Line::Remove(this); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  // Lets the first in line go.
  static void GoOn(Line* line) noexcept { line->PopFront()->held_->GoOn(); }

 private:
  friend class List<Hold>;
  Held* const held_;
};

}  // namespace creche::http
