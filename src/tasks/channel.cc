#include "tasks/channel.h"

#include <algorithm>
#include <new>
#include <utility>

#include "tasks/meeting.h"

namespace creche::tasks {

namespace {
constexpr char kNobodyReceives[] =
    "nobody receives any more: the last receiver of the channel was released";
constexpr char kEndReleased[] = "this end of the channel was released";
}  // namespace

bool Ring::HasRoom() noexcept {
  if (size_ < room_) return true;
  const uint32_t room = room_ == 0 ? 8 : 2 * room_;
  auto* items = room > room_ ? new (std::nothrow) uint64_t[room] : nullptr;
  if (!items) return false;
  for (uint32_t i = 0; i < size_; i++) items[i] = items_[(first_ + i) & (room_ - 1)];
  items_.reset(items);
  room_ = room;
  first_ = 0;
  return true;
}

bool Ring::Push(uint64_t item) noexcept {
  if (!HasRoom()) return false;
  items_[(first_ + size_++) & (room_ - 1)] = item;
  return true;
}

bool Ring::PushFront(uint64_t item) noexcept {
  if (!HasRoom()) return false;
  first_ = (first_ - 1) & (room_ - 1);
  items_[first_] = item;
  size_++;
  return true;
}

uint64_t Ring::Pop() noexcept {
  const uint64_t item = items_[first_];
  first_ = (first_ + 1) & (room_ - 1);
  size_--;
  return item;
}

Channel::~Channel() {
  while (ChannelEnd* end = first_end) {
    first_end = end->next;
    delete end;
  }
}

uint64_t Channel::Handle() const noexcept {
  return first_end ? first_end->id : 0;
}

void Channel::EndIds() noexcept {
  for (ChannelEnd* end = first_end; end; end = end->next) EndSlot(tree->domain(), end->id);
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
  end->next = first_end;
  if (first_end) first_end->prev = end.get();
  ends[sends]++;
  refs++;
  return first_end = end.release();
}

void Channel::Enter(WaitNode* wait) noexcept {
  wait->sends ? Send(wait) : Receive(wait);
}

void Channel::Leave(WaitNode* wait) noexcept {
  (wait->came ? came : wait->sends ? senders : receivers).Remove(wait);
  wait->came = false;
  if (ChannelEnd* end = std::exchange(wait->at, nullptr)) end->waiting.Remove(wait);
}

void Channel::Give(WaitNode* receiver, uint64_t item) noexcept {
  End end{.value = item};
  if (receiver->guard && receiver->route == Route::kNobody) {
    receiver->guard->Arm(item);
    end.held = std::move(receiver->guard);
  }
  OnItsWay(receiver);
  tree->Commit(receiver, std::move(end));
}

void Channel::GiveEnd(WaitNode* receiver) noexcept {
  receiver->what = What::kEnd;
  OnItsWay(receiver);
  tree->Commit(receiver, {});
}

// Groups have taken what came, and so has nobody.
void Channel::OnItsWay(WaitNode* receiver) noexcept {
  if (receiver->route != Route::kFunction && receiver->route != Route::kDefault) return;
  receiver->came = true;
  came.PushBack(receiver);
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
      return tree->FailWait(wait, NoMemoryError());
    case Status::kClosed:
      return tree->FailWait(wait, ClosedError(kNobodyReceives));
    default:
      return tree->FailWait(wait, ClosedError(kEndReleased));
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
      return tree->FailWait(wait, ClosedError(kEndReleased));
  }
}

void Channel::FailEnd(ChannelEnd* end) noexcept {
  const ErrorRef error = end->waiting.empty() ? nullptr : ClosedError(kEndReleased);
  while (Waiter* waiter = end->waiting.first()) {
    WaitNode* wait = WaitOf(waiter);
    end->waiting.Remove(wait);
    wait->at = nullptr;
    // Those that have not begun fail when they do.
    if (wait->links[0].in) tree->FailWait(wait, error);
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
WaitNode* NewWaitAt(ChannelEnd* end, const Tail& tail) noexcept {
  Channel* channel = end->channel;
  WaitNode* wait = channel->tree->NewWait(channel);
  if (!wait) return nullptr;
  wait->sends = end->sends;
  wait->receives = !end->sends;
  wait->at = end;
  end->waiting.PushBack(wait);
  // Functions and groups take each item that they are told of.
  const bool taken = tail.route == Route::kFunction || tail.route == Route::kToGroup;
  if (!channel->item_free || (taken && !end->sends)) return wait;
  wait->guard.reset(new (std::nothrow) ItemGuard(channel->item_free, channel->item_user));
  if (wait->guard) return wait;
  channel->tree->FreeWait(wait);
  return nullptr;
}

}  // namespace

Status Send(uint64_t id, uint64_t item, const Tail& tail, uint64_t* culprit) noexcept {
  Meeting meeting(id, Kind::kSender, tail.in, culprit);
  if (!meeting.ok()) return meeting.status();
  auto* end = meeting.As<ChannelEnd>();
  if (end->channel->ends[false] == 0) {
    *culprit = 0;
    return Status::kClosed;
  }
  WaitNode* wait = NewWaitAt(end, tail);
  if (!wait) return Status::kNoMemory;
  wait->item = item;
  return meeting.tree()->StartTask(wait, meeting.in(), tail, false);
}

Status TrySend(uint64_t id, uint64_t item) noexcept {
  Section section(id, Bit(Kind::kSender));
  if (!section.ok()) return section.status();
  return section.As<ChannelEnd>()->channel->TrySend(item);
}

Status Receive(uint64_t id, const Tail& tail, uint64_t* culprit) noexcept {
  Meeting meeting(id, Kind::kReceiver, tail.in, culprit);
  if (!meeting.ok()) return meeting.status();
  WaitNode* wait = NewWaitAt(meeting.As<ChannelEnd>(), tail);
  if (!wait) return Status::kNoMemory;
  return meeting.tree()->StartTask(wait, meeting.in(), tail, false);
}

Status TryReceive(uint64_t id, uint64_t* item) noexcept {
  *item = 0;
  Section section(id, Bit(Kind::kReceiver));
  if (!section.ok()) return section.status();
  return section.As<ChannelEnd>()->channel->TryReceive(item);
}

Status LookAtChannel(uint64_t id, bool sender, ChannelState* state) noexcept {
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
    (end->prev ? end->prev->next : channel->first_end) = end->next;
    if (end->next) end->next->prev = end->prev;
    delete end;
    if (--channel->ends[sender] == 0) {
      if (sender) {
        channel->EndStream();
      } else {
        const ErrorRef error = channel->senders.empty() ? nullptr : ClosedError(kNobodyReceives);
        while (Waiter* waiter = channel->senders.first())
          section.tree()->FailWait(WaitOf(waiter), error);
        dropped = std::exchange(channel->ring, Ring());
      }
    }
    section.tree()->UnrefWaitable(channel);
  }
  while (item_free && dropped.size() > 0) FreeItem(item_free, item_user, dropped.Pop());
}

}  // namespace creche::tasks
