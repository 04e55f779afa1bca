// Items that go back into their channel.
#include <utility>

#include "tasks/tree.h"
#include "tasks/waitable/channel.h"

namespace creche::tasks {

bool Channel::PutFront(Waiter* behind, uint64_t* item) noexcept {
  for (; behind; behind = in_flight.Next(behind)) {
    WaitNode* wait = WaitOf(behind);
    if (wait->what == What::kEnd) {
      wait->what = What::kDone;  // this was not the end, then
      wait->value = *item;
      return true;
    }
    std::swap(wait->value, *item);
  }
  if (Waiter* first = receivers.first()) {
    Leave(WaitOf(first));
    Give(WaitOf(first), *item);
    return true;
  }
  return ends[false] > 0 && ring.PushFront(*item);
}

Status PutBack(uint64_t id, uint64_t item) noexcept {
  Section section(id, Bit(Kind::kReceiver));
  if (!section.ok()) return section.status();
  Channel* channel = section.As<ChannelEnd>()->channel;
  if (!channel->ReserveOne()) return Status::kNoMemory;
  static_cast<void>(channel->PutFront(channel->in_flight.first(), &item));
  return Status::kOk;
}

namespace {

// An item that comes back when nobody receives any more. Freed without the lock.
struct LeftoverItem {
  ItemGuard::Free item_free = nullptr;
  void* user = nullptr;
  uint64_t item = 0;
};

Status TakeBack(WaitNode* wait, LeftoverItem* leftover) noexcept {
  if (wait->told) return Status::kEnded;
  if (!wait->in_flight) return Status::kOk;  // it has failed, or was cancelled
  auto* channel = static_cast<Channel*>(wait->on);
  const bool has_item = wait->what != What::kEnd;
  if (has_item && !channel->ReserveOne()) return Status::kNoMemory;
  uint64_t item = wait->value;
  Waiter* behind = channel->in_flight.Next(wait);
  wait->NoteTold();
  wait->Undo();
  if (has_item && !channel->PutFront(behind, &item))
    *leftover = {channel->item_free, channel->item_user, item};
  return Status::kOk;
}

// The handle of a receive that is in a queue: the next one of the place in the table that the
// task's had.
uint64_t ReceivedId(uint64_t task) noexcept {
  const uint64_t kind = uint64_t{static_cast<uint32_t>(Kind::kReceived)} << 59;
  return kind | uint64_t{table::SlotOf(task)} << 32 | static_cast<uint32_t>(task + 1);
}

}  // namespace

Status Unreceive(uint64_t task) noexcept {
  Status status;
  LeftoverItem leftover;
  {
    Section section(task, Bit(Kind::kTask));
    status = section.status();
    if (section.ok()) {
      auto* wait = static_cast<WaitNode*>(section.node());
      if (!wait->is_wait() || !wait->receives) return Status::kState;
      if (wait->state == State::kCommitted)
        status = TakeBack(wait, &leftover);
      else
        section.tree()->Cancel(wait, Reason::kExplicit, task, nullptr);
    }
  }
  if (status == Status::kEnded) {
    Section section(ReceivedId(task), Bit(Kind::kReceived));
    if (section.ok() && section.As<WaitNode>()->id == task)
      status = TakeBack(section.As<WaitNode>(), &leftover);
  }
  if (leftover.item_free) FreeItem(leftover.item_free, leftover.user, leftover.item);
  return status;
}

}  // namespace creche::tasks
