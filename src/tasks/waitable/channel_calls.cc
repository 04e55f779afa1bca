// Channels as the user has them: opened, sent to and received from, released.
#include <new>
#include <utility>

#include "tasks/waitable/channel.h"
#include "tasks/waitable/section.h"

namespace creche::tasks {

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
