// Channel: a bounded queue of 64-bit items between tasks. Guarded by the lock of the loop's domain.
//
// At any time at most one of these holds: there are items and perhaps senders in line (it is full),
// or there are receivers in line (it is empty).
//
// What comes to a receive is on its way until somebody is told of it: until then it can be taken
// back. So that the order of items stays, it is as if that receive had never been: the receives
// behind it have the items before theirs, and the last item goes to the next in line, or in front
// of what is in the channel. Nobody can see that: nobody was told.
#pragma once
#include <cstdint>

#include "tasks/api.h"
#include "tasks/waitable/ring.h"
#include "tasks/waitable/waitable.h"

namespace creche::tasks {

struct Channel;

inline constexpr char kNobodyReceives[] =
    "nobody receives any more: the last receiver of the channel was released";
inline constexpr char kEndReleased[] = "this end of the channel was released";

// A handle of one side.
struct ChannelEnd : ListNode<ChannelEnd> {
  Channel* channel = nullptr;
  uint64_t id = 0;
  bool sends = false;
  WaitLine<AtHandle>
      waiting;  // its tasks: those in the channel's line, and those that have not begun
};

struct Channel final : Waitable {
  ~Channel() override;
  void Enter(WaitNode* wait) noexcept override;
  void Leave(WaitNode* wait) noexcept override;
  const char* WaitName(const WaitNode* wait) const noexcept override {
    return wait->sends ? "place in channel" : "item of channel";
  }
  void EndIds() noexcept override;
  uint64_t Handle() const noexcept override;
  uint32_t Handles() const noexcept override { return ends[false] + ends[true]; }
  void LoopEnded() noexcept override { FreeItems(&ring); }

  // A new handle; null without memory.
  ChannelEnd* NewEnd(bool sends) noexcept;
  // kLimit: it would have to wait.
  Status TrySend(uint64_t item) noexcept;
  Status TryReceive(uint64_t* item) noexcept;
  void Send(WaitNode* wait) noexcept;
  void Receive(WaitNode* wait) noexcept;
  // End the wait of a receiver that was taken out of its lines.
  void Give(WaitNode* receiver, uint64_t item) noexcept;
  void GiveEnd(WaitNode* receiver) noexcept;
  void PutInFlight(WaitNode* receiver) noexcept;
  // *item goes before that of `behind`, one of those on their way or null, and before all in the
  // channel. There must be room for it. False: nobody receives any more, and *item is left over.
  bool PutFront(Waiter* behind, uint64_t* item) noexcept;
  // Makes it; false without memory.
  bool ReserveOne() noexcept { return !receivers.empty() || ring.Reserve(); }
  void FailEnd(ChannelEnd* end) noexcept;
  void EndStream() noexcept;
  void FreeItems(Ring* items) const noexcept;  // without the lock

  uint32_t capacity = 0;
  ItemGuard::Free item_free = nullptr;
  void* item_user = nullptr;
  Ring ring;
  WaitLine<AtObject> senders, receivers;
  WaitLine<AtObject>
      in_flight;              // receives that somebody has yet to be told of, in the order of items
  uint32_t ends[2] = {0, 0};  // receivers, senders: handles
  List<ChannelEnd> handles;
};

}  // namespace creche::tasks
