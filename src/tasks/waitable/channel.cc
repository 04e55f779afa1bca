#include "tasks/waitable/channel.h"

#include <new>
#include <utility>

#include "tasks/tree.h"

namespace creche::tasks {

Channel::~Channel() {
  while (ChannelEnd* end = handles.PopFront()) delete end;
}

uint64_t Channel::Handle() const noexcept {
  return handles.empty() ? 0 : handles.first()->id;
}

void Channel::EndIds() noexcept {
  for (ChannelEnd* end = handles.first(); end; end = handles.Next(end))
    EndSlot(tree->domain(), end->id);
}

void Channel::FreeItems(Ring* items) const noexcept {
  while (items->size() > 0) {
    const uint64_t item = items->Pop();
    if (item_free) FreeItem(item_free, item_user, item);
  }
}

ChannelEnd* Channel::NewEnd(bool sends) noexcept {
  std::unique_ptr<ChannelEnd> end(new (std::nothrow) ChannelEnd);
  if (!end) return nullptr;
  end->id = AddSlot(tree->domain(), sends ? Kind::kSender : Kind::kReceiver, end.get());
  if (end->id == 0) return nullptr;
  end->channel = this;
  end->sends = sends;
  handles.PushFront(end.get());
  ends[sends]++;
  refs++;
  return end.release();
}

void Channel::Enter(WaitNode* wait) noexcept {
  wait->sends ? Send(wait) : Receive(wait);
}

void Channel::Leave(WaitNode* wait) noexcept {
  (wait->in_flight ? in_flight : wait->sends ? senders : receivers).Remove(wait);
  wait->in_flight = false;
  if (ChannelEnd* end = std::exchange(wait->at, nullptr)) end->waiting.Remove(wait);
}

void Channel::Give(WaitNode* receiver, uint64_t item) noexcept {
  if (receiver->guard && receiver->route == Route::kNobody) {
    receiver->guard->Arm(item);
    receiver->held = std::move(receiver->guard);
  }
  PutInFlight(receiver);
  receiver->Succeed(item);
}

void Channel::GiveEnd(WaitNode* receiver) noexcept {
  receiver->what = What::kEnd;
  PutInFlight(receiver);
  receiver->Succeed();
}

// Groups have taken what came, and so has nobody.
void Channel::PutInFlight(WaitNode* receiver) noexcept {
  if (receiver->route != Route::kFunction && receiver->route != Route::kDefault) return;
  receiver->in_flight = true;
  in_flight.PushBack(receiver);
}

Status Channel::TrySend(uint64_t item) noexcept {
  if (ends[false] == 0) return Status::kClosed;
  if (Waiter* first = receivers.first()) {
    WaitNode* receiver = WaitOf(first);
    Leave(receiver);
    Give(receiver, item);
    return Status::kOk;
  }
  if (ring.size() >= capacity) return Status::kLimit;
  return ring.Push(item) ? Status::kOk : Status::kNoMemory;
}

Status Channel::TryReceive(uint64_t* item) noexcept {
  // Items that were put back may take more places than there are: then nobody moves up.
  Waiter* first = ring.size() <= capacity ? senders.first() : nullptr;
  WaitNode* sender = first ? WaitOf(first) : nullptr;
  if (sender) Leave(sender);
  if (ring.size() > 0) {
    *item = ring.Pop();
    if (sender) static_cast<void>(ring.Push(sender->item));  // there is room
  } else if (sender) {
    *item = sender->item;
  } else {
    return ends[true] == 0 ? Status::kClosed : Status::kLimit;
  }
  if (sender) {
    sender->guard.reset();
    sender->Succeed();
  }
  return Status::kOk;
}

// A result that stands is told to both sides, whatever the end of the one does to the other: so the
// one that comes is marked before the other ends.
void Channel::Send(WaitNode* wait) noexcept {
  wait->state = State::kCommitted;
  const Status status = wait->at ? TrySend(wait->item) : Status::kEnded;
  switch (status) {
    case Status::kOk:
      Leave(wait);
      wait->guard.reset();
      return wait->Succeed();
    case Status::kLimit:
      wait->state = State::kRunning;
      return senders.PushBack(wait);
    case Status::kNoMemory:
      return wait->Fail(NoMemoryError());
    case Status::kClosed:
      return wait->Fail(ClosedError(kNobodyReceives));
    default:
      return wait->Fail(ClosedError(kEndReleased));
  }
}

void Channel::Receive(WaitNode* wait) noexcept {
  wait->state = State::kCommitted;
  uint64_t item = 0;
  const Status status = wait->at ? TryReceive(&item) : Status::kEnded;
  switch (status) {
    case Status::kOk:
      Leave(wait);
      return Give(wait, item);
    case Status::kLimit:
      wait->state = State::kRunning;
      return receivers.PushBack(wait);
    case Status::kClosed:
      Leave(wait);
      return GiveEnd(wait);
    default:
      return wait->Fail(ClosedError(kEndReleased));
  }
}

void Channel::FailEnd(ChannelEnd* end) noexcept {
  const ErrorRef error = end->waiting.empty() ? nullptr : ClosedError(kEndReleased);
  while (Waiter* waiter = end->waiting.first()) {
    WaitNode* wait = WaitOf(waiter);
    end->waiting.Remove(wait);
    wait->at = nullptr;
    // Those that have not begun fail when they do.
    if (WaitLine<AtObject>::Has(wait)) wait->Fail(error);
  }
}

void Channel::EndStream() noexcept {
  while (Waiter* waiter = receivers.first()) {
    WaitNode* wait = WaitOf(waiter);
    Leave(wait);
    GiveEnd(wait);
  }
}

}  // namespace creche::tasks
