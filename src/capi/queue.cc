// creche/queue.h
#include <creche/queue.h>

#include <cstring>

#include "capi/options.h"
#include "capi/start_args.h"
#include "tasks/api.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_queue_options Defaults() noexcept {
  creche_queue_options o{};
  o.size = sizeof o;
  return o;
}

static creche_status OfQueue(Status status, creche_queue queue) {
  if (status == Status::kClosed)
    return Fail(status, "the queue is closed and everything was taken");
  return Explained(status, queue.id, "a queue");
}

static creche_status CheckRoom(const creche_completion* completions, size_t capacity, size_t* n) {
  if (!n) return Fail(Status::kInvalid, "n is NULL");
  *n = 0;
  if (!completions && capacity > 0)
    return Fail(Status::kInvalid, "completions is NULL and capacity is not 0");
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_queue_options_init(creche_queue_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_queue_open(creche_loop loop, const creche_queue_options* options,
                                creche_queue* queue) {
  return Guard([&]() -> creche_status {
    if (!queue) return Fail(Status::kInvalid, "queue is NULL: nowhere to store the handle");
    *queue = {};
    creche_queue_options o;
    if (creche_status failed =
            ReadOptions(options, &o, CRECHE_QUEUE_SOCKET, "creche_queue_options"))
      return failed;
    int system_errno = 0;
    const Status status = tasks::OpenQueue(
        loop.scope.id, o.name, (o.flags & CRECHE_QUEUE_SOCKET) != 0, &queue->id, &system_errno);
    if (status == Status::kSystem)
      return Fail(status, "no descriptor for the queue: %s; %s", strerror(system_errno),
                  SystemAdvice(system_errno));
    return Explained(status, loop.scope.id, "a loop");
  });
}

int32_t creche_queue_fd(creche_queue queue) {
  return Guard([&]() -> creche_status {
    int fd = -1;
    const Status status = tasks::QueueFd(queue.id, &fd);
    return status == Status::kOk ? fd : OfQueue(status, queue);
  });
}

creche_status creche_queue_drain(creche_queue queue, creche_completion* completions,
                                 size_t capacity, size_t* n) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckRoom(completions, capacity, n)) return failed;
    return OfQueue(tasks::DrainQueue(queue.id, reinterpret_cast<tasks::Completion*>(completions),
                                     capacity, n, true),
                   queue);
  });
}

creche_status creche_queue_wait(creche_queue queue, creche_completion* completions, size_t capacity,
                                int64_t timeout, size_t* n) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckRoom(completions, capacity, n)) return failed;
    if (timeout < 0) return Fail(Status::kInvalid, "timeout is negative");
    return OfQueue(tasks::WaitQueue(queue.id, reinterpret_cast<tasks::Completion*>(completions),
                                    capacity, timeout, n),
                   queue);
  });
}

creche_status creche_queue_close(creche_queue queue, creche_done_fn done, void* user) {
  return Guard([&]() -> creche_status {
    if (done == creche_to_group)
      return Fail(Status::kInvalid, "a close belongs to no group; give a function or NULL as done");
    const Status status =
        tasks::CloseQueue(queue.id, done == creche_nobody ? nullptr : ToDone(done), user);
    if (status == Status::kClosed)
      return Fail(status, "the queue's loop has ended: nobody could call done; join the loop");
    return OfQueue(status, queue);
  });
}

void creche_queue_release(creche_queue queue) {
  Release([&] { tasks::ReleaseQueue(queue.id); });
}

}  // extern "C"
