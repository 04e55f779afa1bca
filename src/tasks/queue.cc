// Queues: what comes into them, and what goes out or is thrown away.
#include "tasks/queue.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "tasks/hold.h"
#include "tasks/tree.h"

namespace creche::tasks {

int Queue::Open(bool socket) noexcept {
  int fds[2] = {-1, -1};
  if (socket) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) return errno;
  } else if ((fds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
    return errno;
  }
  fd.Reset(fds[0]);
  peer.Reset(fds[1]);
  return 0;
}

// System calls, not functions of the C library: those are cancellation points. Nobody's flags are
// relied on: a runtime that reads the socket by a descriptor of its own may have changed them.
void Queue::SetReadable() noexcept {
  const uint64_t count = 1;
  if (peer)
    syscall(SYS_sendto, peer.get(), &count, 1, MSG_NOSIGNAL | MSG_DONTWAIT, nullptr, 0);
  else
    syscall(SYS_write, fd.get(), &count, sizeof count);
}

void Queue::SetUnreadable() noexcept {
  uint64_t count;
  if (peer)  // the byte may have been read by who watches
    syscall(SYS_recvfrom, fd.get(), &count, sizeof count, MSG_DONTWAIT, nullptr, nullptr);
  else
    syscall(SYS_read, fd.get(), &count, sizeof count);
}

void Queue::Signal() noexcept {
  const bool readable = !entries.empty() || released || (closed && accepted == 0);
  if (readable == signalled) return;
  const int saved = errno;
  if (readable)
    SetReadable();
  else
    SetUnreadable();
  signalled = readable;
  errno = saved;
}

void Queue::SignalAgain() noexcept {
  const int saved = errno;
  if (peer) SetUnreadable();  // bytes must not pile up where nobody reads them
  SetReadable();
  errno = saved;
}

void Tree::Push(Queue* queue, Entry* entry) noexcept {
  if (queue->released) return DiscardEntry(entry);
  queue->entries.Push(entry);
  queue->Signal();
  NotifyAwaited(queue);
}

void Tree::DiscardEntry(Entry* entry) noexcept {
  switch (entry->entry_type) {
    case EntryType::kNotice:
      entry->listed = false;
      return;
    case EntryType::kFinal: {
      auto* node = static_cast<EndNode*>(entry);
      if (node->is_wait()) {
        static_cast<WaitNode*>(node)->LoseItem();
        static_cast<WaitNode*>(node)->NoteTold();
      }
      DiscardEnd(node);
      if (node->holds_place) {
        node->holds_place = false;
        EndSlot(domain_, node->place_id);
        Uncount(node);
      }
      return Retire(node);
    }
    case EntryType::kMore: {
      auto* more = static_cast<MoreEntry*>(entry);
      End end;
      end.flags = more->outcome.owned ? kOwned : 0u;
      end.value = more->outcome.value;
      end.error = std::move(more->outcome.error);
      end.held = std::move(more->outcome.held);
      Discard(std::move(end));
      if (more->hold != 0) {
        End hold;
        hold.flags = kOwned;
        hold.value = more->hold;
        Discard(std::move(hold));
      }
      delete more;
      return;
    }
    case EntryType::kPost:
      pools_.posts.Delete(static_cast<PostEntry*>(entry));
      return;
    case EntryType::kBegin:
    case EntryType::kYield:  // never in a queue
      return;
  }
}

void Tree::UnrefQueue(Queue* queue) noexcept {
  if (--queue->refs != 0) return;
  while (!queue->close_entries.empty())
    pools_.posts.Delete(static_cast<PostEntry*>(queue->close_entries.Pop()));
  free(queue->name);
  delete queue;
}

void Tree::EndQueueIfDone(Queue* queue) noexcept {
  if (!queue->closed || queue->accepted != 0) return;
  queue->Signal();
  NotifyAwaited(queue);
  while (!queue->close_entries.empty()) PushReady(queue->close_entries.Pop());
}

void Tree::TakeEntry(Entry* entry, Completion* c) noexcept {
  if (entry->entry_type == EntryType::kPost) {  // the end of a close
    auto* post = static_cast<PostEntry*>(entry);
    *c = {};
    c->kind = static_cast<uint32_t>(post->what);
    c->user = post->user;
    c->value = post->value;
    pools_.posts.Delete(post);
    return;
  }
  if (entry->entry_type == EntryType::kFinal) {
    auto* node = static_cast<EndNode*>(entry);
    Fill(node, c);
    if (const Details* details = DetailsOf(node)) c->hold = details->hold;
    if (node->error) static_cast<void>(node->error.Leak());
    if (node->is_wait()) static_cast<WaitNode*>(node)->NoteTold();
    c->place_id = node->holds_place ? node->place_id : 0;
    if (!node->holds_place) Retire(node);
    return;
  }
  *c = {};
  c->kind = static_cast<uint32_t>(entry->what);
  c->flags = kMore;
  if (entry->entry_type == EntryType::kNotice) {
    entry->listed = false;
    UserNode* task = TaskOf(entry);
    c->user = task->user;
    c->task = task->id;
    c->value = task->begin_value;
    if (entry->what == What::kCancel) {
      ErrorRef why = CancelError(task, Status::kCancelled, Phase::kTask);
      c->error = &why.Leak()->fields();
    }
    return;
  }
  auto* more = static_cast<MoreEntry*>(entry);
  c->user = more->node->user;
  c->task = more->node->id;
  c->status = static_cast<int32_t>(more->outcome.status);
  c->flags |= more->outcome.owned ? kOwned : 0u;
  c->code = more->outcome.code;
  c->value = more->outcome.value;
  c->data = more->outcome.data;
  c->data_size = more->outcome.size;
  c->error = more->outcome.error ? &more->outcome.error.Leak()->fields() : nullptr;
  c->hold = more->hold;
  delete more;
}

void Tree::DropQueue(Queue* queue) noexcept {
  queue->closed = queue->released = true;
  while (!queue->entries.empty()) DiscardEntry(queue->entries.Pop());
  if (clock()) RequestWake();  // it may have waited for somebody to read what was in it
  queue->Signal();
  NotifyAwaited(queue);
  EndQueueIfDone(queue);
  UnrefQueue(queue);
}

}  // namespace creche::tasks
