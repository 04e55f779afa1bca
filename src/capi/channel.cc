// creche/channel.h
#include <creche/channel.h>

#include "capi/options.h"
#include "capi/start_args.h"
#include "tasks/api.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_channel_options Defaults() noexcept {
  creche_channel_options o{};
  o.size = sizeof o;
  return o;
}

static constexpr char kSender[] = "a sender";
static constexpr char kReceiver[] = "a receiver";

static creche_status NobodyReceives() {
  return Fail(Status::kClosed,
              "nobody receives any more: the last receiver of the channel was released");
}

static creche_status GetState(uint64_t end, bool sender, creche_channel_state* state, size_t size) {
  if (creche_status failed = CheckFilled(state, size, "state")) return failed;
  tasks::ChannelState s;
  const Status status = tasks::GetChannelState(end, sender, &s);
  if (status != Status::kOk) return Explained(status, end, sender ? kSender : kReceiver);
  creche_channel_state out{};
  out.size = static_cast<uint32_t>(size);
  out.items = s.items;
  out.capacity = s.capacity;
  out.senders = s.senders;
  out.receivers = s.receivers;
  out.sending = s.sending;
  out.receiving = s.receiving;
  StoreSized(out, state, size);
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_channel_options_init(creche_channel_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_channel_open(creche_loop loop, const creche_channel_options* options,
                                  creche_sender* sender, creche_receiver* receiver) {
  return Guard([&]() -> creche_status {
    if (sender) *sender = {};
    if (receiver) *receiver = {};
    if (!sender || !receiver)
      return Fail(Status::kInvalid, "sender or receiver is NULL: nowhere to store the handle");
    creche_channel_options o;
    if (creche_status failed = ReadOptions(options, &o, 0, "creche_channel_options")) return failed;
    const tasks::ChannelOptions checked = {
        .name = o.name, .capacity = o.capacity, .item_free = o.item_free, .item_user = o.item_user};
    return Explained(tasks::OpenChannel(loop.scope.id, checked, &sender->id, &receiver->id),
                     loop.scope.id, "a loop");
  });
}

creche_status creche_channel_send(creche_sender sender, creche_scope in, uint64_t item,
                                  const creche_task_options* options, creche_done_fn done,
                                  void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    StartArgsReader reader;
    if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
    uint64_t culprit;
    const Status status = tasks::Send(sender.id, item, reader.args, &culprit);
    if (status == Status::kClosed && culprit == 0) return NobodyReceives();
    return Started(status, in, culprit, kSender);
  });
}

creche_status creche_channel_try_send(creche_sender sender, uint64_t item) {
  return Guard([&]() -> creche_status {
    const Status status = tasks::TrySend(sender.id, item);
    if (status == Status::kClosed) return NobodyReceives();
    if (status == Status::kLimit)
      return Fail(status,
                  "the channel has no room and nobody waits for an item; wait with "
                  "creche_channel_send");
    return Explained(status, sender.id, kSender);
  });
}

creche_status creche_channel_receive(creche_receiver receiver, creche_scope in,
                                     const creche_task_options* options, creche_done_fn done,
                                     void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    StartArgsReader reader;
    if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
    uint64_t culprit;
    const Status status = tasks::Receive(receiver.id, reader.args, &culprit);
    return Started(status, in, culprit, kReceiver);
  });
}

creche_status creche_channel_try_receive(creche_receiver receiver, uint64_t* item) {
  return Guard([&]() -> creche_status {
    if (!item) return Fail(Status::kInvalid, "item is NULL: nowhere to store it");
    const Status status = tasks::TryReceive(receiver.id, item);
    if (status == Status::kClosed)
      return Fail(status, "the channel has ended: its last sender was released, all was taken");
    if (status == Status::kLimit)
      return Fail(status, "the channel has no item now; wait with creche_channel_receive");
    return Explained(status, receiver.id, kReceiver);
  });
}

creche_status creche_channel_put_back(creche_receiver receiver, uint64_t item) {
  return Guard(
      [&] { return Explained(tasks::PutBack(receiver.id, item), receiver.id, kReceiver); });
}

creche_status creche_channel_unreceive(creche_task task) {
  return Guard([&]() -> creche_status {
    const Status status = tasks::Unreceive(task.scope.id);
    if (status == Status::kState)
      return Fail(status,
                  "the task is no receive of a channel: cancel it with creche_scope_cancel");
    return Explained(status, task.scope.id, "a task");
  });
}

creche_status creche_sender_clone(creche_sender sender, creche_sender* clone) {
  return Guard([&]() -> creche_status {
    if (!clone) return Fail(Status::kInvalid, "clone is NULL: nowhere to store the handle");
    return Explained(tasks::CloneEnd(sender.id, true, &clone->id), sender.id, kSender);
  });
}

creche_status creche_receiver_clone(creche_receiver receiver, creche_receiver* clone) {
  return Guard([&]() -> creche_status {
    if (!clone) return Fail(Status::kInvalid, "clone is NULL: nowhere to store the handle");
    return Explained(tasks::CloneEnd(receiver.id, false, &clone->id), receiver.id, kReceiver);
  });
}

creche_status creche_sender_get_state(creche_sender sender, creche_channel_state* state,
                                      size_t size) {
  return Guard([&] { return GetState(sender.id, true, state, size); });
}

creche_status creche_receiver_get_state(creche_receiver receiver, creche_channel_state* state,
                                        size_t size) {
  return Guard([&] { return GetState(receiver.id, false, state, size); });
}

void creche_sender_release(creche_sender sender) {
  Release([&] { tasks::ReleaseEnd(sender.id, true); });
}

void creche_receiver_release(creche_receiver receiver) {
  Release([&] { tasks::ReleaseEnd(receiver.id, false); });
}

}  // extern "C"
