#include "tasks/waitable/channel.h"

#include <algorithm>
#include <new>
#include <utility>

#include "tasks/waitable/section.h"

namespace creche::tasks {

namespace {
constexpr char kNobodyReceives[] =
    "nobody receives any more: the last receiver of the channel was released";
constexpr char kEndReleased[] = "this end of the channel was released";
}  // namespace

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
  End end{.value = item};
  if (receiver->guard && receiver->route == Route::kNobody) {
    receiver->guard->Arm(item);
    end.held = std::move(receiver->guard);
  }
  PutInFlight(receiver);
  tree->Commit(receiver, std::move(end));
}

void Channel::GiveEnd(WaitNode* receiver) noexcept {
  receiver->what = What::kEnd;
  PutInFlight(receiver);
  tree->Commit(receiver, {});
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
    tree->Commit(sender, {});
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
      return tree->Commit(wait, {});
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

Status OpenChannel(uint64_t loop, const ChannelOptions& options, uint64_t* sender,
                   uint64_t* receiver) noexcept {
  *sender = *receiver = 0;
  std::unique_ptr<Channel> channel(new (std::nothrow) Channel);
  if (!channel) return Status::kNoMemory;
  channel->capacity = options.capacity;
  channel->item_free = options.item_free;
  channel->item_user = options.item_user;
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  channel->tree = tree;
  const ChannelEnd* made[2] = {channel->NewEnd(true), channel->NewEnd(false)};
  Status status =
      made[0] && made[1] ? tree->AddWaitable(channel.get(), options.name) : Status::kNoMemory;
  if (status != Status::kOk) {
    channel->EndIds();
    return status;
  }
  channel.release()->refs--;  // those of its ends are enough
  *sender = made[0]->id;
  *receiver = made[1]->id;
  return Status::kOk;
}

Status CloneEnd(uint64_t id, bool sender, uint64_t* clone) noexcept {
  *clone = 0;
  Section section(id, Bit(sender ? Kind::kSender : Kind::kReceiver));
  if (!section.ok()) return section.status();
  const ChannelEnd* made = section.As<ChannelEnd>()->channel->NewEnd(sender);
  if (!made) return Status::kNoMemory;
  *clone = made->id;
  return Status::kOk;
}

namespace {

// The task of a send or receive, not started yet. Null without memory.
WaitNode* NewWaitAt(ChannelEnd* end, const StartArgs& args) noexcept {
  Channel* channel = end->channel;
  WaitNode* wait = WaitNode::New(channel);
  if (!wait) return nullptr;
  wait->sends = end->sends;
  wait->receives = !end->sends;
  wait->at = end;
  end->waiting.PushBack(wait);
  // Functions and groups take each item that they are told of.
  const bool taken = args.route == Route::kFunction || args.route == Route::kToGroup;
  if (!channel->item_free || (taken && !end->sends)) return wait;
  wait->guard.reset(new (std::nothrow) ItemGuard(channel->item_free, channel->item_user));
  if (wait->guard) return wait;
  wait->Free();
  return nullptr;
}

}  // namespace

Status Send(uint64_t id, uint64_t item, const StartArgs& args, uint64_t* culprit) noexcept {
  WaitableSection section(id, Kind::kSender, args.in, culprit);
  if (!section.ok()) return section.status();
  auto* end = section.As<ChannelEnd>();
  if (end->channel->ends[false] == 0) {
    *culprit = 0;
    return Status::kClosed;
  }
  WaitNode* wait = NewWaitAt(end, args);
  if (!wait) return Status::kNoMemory;
  wait->item = item;
  return section.tree()->StartTask(wait, section.in(), args, false);
}

Status TrySend(uint64_t id, uint64_t item) noexcept {
  Section section(id, Bit(Kind::kSender));
  if (!section.ok()) return section.status();
  return section.As<ChannelEnd>()->channel->TrySend(item);
}

Status Receive(uint64_t id, const StartArgs& args, uint64_t* culprit) noexcept {
  WaitableSection section(id, Kind::kReceiver, args.in, culprit);
  if (!section.ok()) return section.status();
  WaitNode* wait = NewWaitAt(section.As<ChannelEnd>(), args);
  if (!wait) return Status::kNoMemory;
  return section.tree()->StartTask(wait, section.in(), args, false);
}

Status TryReceive(uint64_t id, uint64_t* item) noexcept {
  *item = 0;
  Section section(id, Bit(Kind::kReceiver));
  if (!section.ok()) return section.status();
  return section.As<ChannelEnd>()->channel->TryReceive(item);
}

Status GetChannelState(uint64_t id, bool sender, ChannelState* state) noexcept {
  Section section(id, Bit(sender ? Kind::kSender : Kind::kReceiver));
  if (!section.ok()) return section.status();
  const Channel* c = section.As<ChannelEnd>()->channel;
  *state = {c->ring.size(), c->capacity,       c->ends[true],
            c->ends[false], c->senders.size(), c->receivers.size()};
  return Status::kOk;
}

void ReleaseEnd(uint64_t id, bool sender) noexcept {
  Ring dropped;
  ItemGuard::Free item_free;
  void* item_user;
  {
    Section section(id, Bit(sender ? Kind::kSender : Kind::kReceiver));
    if (!section.ok()) return;
    auto* end = section.As<ChannelEnd>();
    Channel* channel = end->channel;
    item_free = channel->item_free;
    item_user = channel->item_user;
    EndSlot(section.tree()->domain(), id);
    channel->FailEnd(end);
    delete end;
    if (--channel->ends[sender] == 0) {
      if (sender) {
        channel->EndStream();
      } else {
        const ErrorRef error = channel->senders.empty() ? nullptr : ClosedError(kNobodyReceives);
        while (Waiter* waiter = channel->senders.first()) WaitOf(waiter)->Fail(error);
        dropped = std::exchange(channel->ring, Ring());
      }
    }
    channel->Unref();
  }
  while (item_free && dropped.size() > 0) FreeItem(item_free, item_user, dropped.Pop());
}

}  // namespace creche::tasks
