// Workers: threads for what must block (name look-ups, cancel requests, offloaded functions). They
// are started when needed, up to a limit, and go again after a while without work; the one that was
// busy last is called first, so that those which are not needed do go. All signals are blocked in
// them. Any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/list.h"
#include "core/ref.h"
#include "core/status.h"

namespace creche {

// What blocks, by its kind: each kind has workers of its own on a loop, so that none ever holds up
// another.
enum class WorkKind : uint8_t {
  kDns,     // look-ups of names
  kCancel,  // cancel requests to servers
  kCrypto,  // keys that are dear to derive
  kFile,    // reading certificates, passwords, service files
  kAsk,     // asking the user for a password
};
constexpr size_t kWorkKinds = 5;

class WorkItem : private ListNode<WorkItem> {
 public:
  WorkItem() = default;
  virtual ~WorkItem() = default;
  WorkItem(const WorkItem&) = delete;
  WorkItem& operator=(const WorkItem&) = delete;
  // On a worker thread, once; LetGo follows there.
  virtual void Run() noexcept = 0;
  // There is no thread to run it, and why: an errno, as Submit returns it. LetGo follows.
  virtual void Refused(int) noexcept {}
  // The workers have no use for it any more, whether it ran or not.
  virtual void LetGo() noexcept { delete this; }

 private:
  friend class Workers;
  friend class List<WorkItem>;
};

class Workers {
 public:
  static constexpr size_t kDefaultLimit = 40;
  static constexpr Nanos kPatience = 10 * kSecond;
  // How many threads there may be.
  struct Bound {
    size_t limit = kDefaultLimit;  // that run something at a time
    // An item that takes longer hangs, and counts no more against `limit`: what waits behind it
    // gets another thread,
    Nanos slow = kNever;
    size_t most = limit;  // up to this many in all.
  };
  // patience: of a thread without work, before it goes. No thread is started before the first item.
  // Throws bad_alloc.
  explicit Workers(Bound bound, Nanos patience = kPatience);
  explicit Workers(size_t limit = kDefaultLimit, Nanos patience = kPatience)
      : Workers(Bound{.limit = limit}, patience) {}
  // For one kind of work.
  explicit Workers(WorkKind kind) : Workers(BoundOf(kind)) {}
  // Stops.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  static Bound BoundOf(WorkKind kind) noexcept;

  // Queues an item, first in, first out. Returns 0 or an errno: ECANCELED if stopped, otherwise why
  // there is no thread to run it (EAGAIN, EPERM, ENOMEM): the item is let go without having run.
  int Submit(WorkItem* item) noexcept;
  int Submit(std::unique_ptr<WorkItem> item) noexcept { return Submit(item.release()); }
  // Takes an item back that no thread has begun with. True if it was one: it is let go. `item` must
  // be alive, so it must be one whose LetGo does not destroy it.
  bool Withdraw(WorkItem* item) noexcept;
  // Refuses new items, lets those go that have not begun, and joins the threads that are idle.
  // Those inside an item are left to finish it on their own: nobody waits for them. Idempotent; not
  // to be called from an item.
  void Stop() noexcept;

 private:
  class Pool;  // what the threads share: outlives Workers while one of them is inside an item
  Ref<Pool> pool_;
};

}  // namespace creche
