// What tasks wait on (limiters, rate limiters, events, channels) and the tasks that wait. All under
// the lock of the loop's domain: a result is handed to a waiter in the call that makes it possible,
// from whichever thread that comes, and a waiter that is cancelled leaves its line in the call that
// cancels it. So nothing can get lost between two of them.
#pragma once
#include <cstdint>
#include <memory>

#include "platform/thread.h"
#include "platform/user_code.h"
#include "tasks/node.h"
#include "tasks/pool.h"

namespace creche::tasks {

class Tree;
struct Token;
struct ChannelEnd;
struct WaitNode;

// One that stands in lines, at most one of each WaitLine<N>.
struct Waiter {
  struct Link {
    Waiter* next = nullptr;
    Waiter* prev = nullptr;
    bool in = false;
  };
  Link links[2];
  EndNode* task = nullptr;
};

// First come, first served.
template <int N>
class WaitLine {
 public:
  Waiter* first() const noexcept { return first_; }
  bool empty() const noexcept { return !first_; }
  uint32_t size() const noexcept { return size_; }
  void PushBack(Waiter* waiter) noexcept {
    Waiter::Link& link = waiter->links[N];
    link = {nullptr, last_, true};
    (last_ ? last_->links[N].next : first_) = waiter;
    last_ = waiter;
    size_++;
  }
  // False if it is in no line.
  bool Remove(Waiter* waiter) noexcept {
    Waiter::Link& link = waiter->links[N];
    if (!link.in) return false;
    (link.prev ? link.prev->links[N].next : first_) = link.next;
    (link.next ? link.next->links[N].prev : last_) = link.prev;
    link = {};
    size_--;
    return true;
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  uint32_t size_ = 0;
};

// Something to wait on. Lives until its handles are released and nobody needs it any more, or with
// its loop.
struct Waitable {
  virtual ~Waitable();
  Waitable() = default;
  Waitable(const Waitable&) = delete;
  Waitable& operator=(const Waitable&) = delete;
  // Commits the result of a task that may have it now, or puts it into a line.
  virtual void Enter(WaitNode* wait) noexcept = 0;
  // The task ends otherwise, in a line or before it came to that: it leaves the line and gives back
  // what was reserved for it. Commits nobody: its caller may be walking the tree.
  virtual void Leave(WaitNode* wait) noexcept = 0;
  // Its loop has ended, and it goes: with the lock; without it.
  virtual void EndIds() noexcept;
  virtual void LoopEnded() noexcept {}
  // Its handle, or one of them; 0 if all are released. How many there are.
  virtual uint64_t Handle() const noexcept { return id; }
  virtual uint32_t Handles() const noexcept { return id != 0; }
  // For dumps: "limiter".
  virtual const char* WaitName(const WaitNode* wait) const noexcept = 0;

  Tree* tree = nullptr;
  Phase phase = Phase::kNone;  // of those that are cancelled while they wait
  uint64_t id = 0;             // 0 for channels: their ends have one each
  uint32_t refs = 1;           // handles, waiting tasks, tokens
  bool closed = false;
  char* name = nullptr;  // malloc'd
  Waitable* next_waitable = nullptr;
  Waitable* prev_waitable = nullptr;
};

// Frees an item of a channel. Nobody asks for it, perhaps in a release: a thread that is cancelled
// meanwhile ends after that. No lock held.
inline void FreeItem(void (*free)(void* user, uint64_t item), void* user, uint64_t item) noexcept {
  const platform::NotCancelled here;
  platform::CallUser(free, user, item);
}

// Frees an item of a channel if nobody takes it.
class ItemGuard final : public Held {
 public:
  using Free = void (*)(void* user, uint64_t item);
  ItemGuard(Free free, void* user) : free_(free), user_(user) {}
  ~ItemGuard() override {
    if (armed_) FreeItem(free_, user_, item_);
  }
  void Arm(uint64_t item) noexcept {
    item_ = item;
    armed_ = true;
  }

 private:
  const Free free_;
  void* const user_;
  uint64_t item_ = 0;
  bool armed_ = false;
};

// A task that waits.
struct WaitNode : ResultNode, Waiter {
  WaitNode() : ResultNode(NodeType::kWait) { task = this; }
  Waitable* on = nullptr;  // counted in its refs
  uint64_t item = 0;       // what it sends; the permits it wants
  Token* token = nullptr;  // reserved for it
  ChannelEnd* at = nullptr;
  bool sends = false;
  bool receives = false;
  bool came = false;  // what it waited for has come, and nobody was told of that yet
  bool told = false;  // it stays as it has ended
  // Nobody will read the item that it has received: it goes with the trash.
  void ItemIsLost() noexcept {
    if (!came || what == What::kEnd || !guard) return;
    guard->Arm(value);
    held = std::move(guard);
  }
  std::unique_ptr<ItemGuard> guard;  // of what it sends, or of what waits in a queue for its reader
};

inline ErrorRef ClosedError(const char* text) noexcept {
  return MakeError(Status::kClosed, Phase::kNone, text);
}

inline WaitNode* WaitOf(Waiter* waiter) noexcept {
  return static_cast<WaitNode*>(waiter->task);
}

// The waiting side of a tree.
struct Waits {
  Waitable* all = nullptr;
  Pool<WaitNode> nodes;
  Pool<Token> tokens;  // (complete in limiter.h)
  Deadlines paces;     // of rate limiters
  size_t rates = 0;
};

}  // namespace creche::tasks
