// Queues: filled by the loop, drained by any thread.
#include "tasks/queue.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "platform/wait.h"
#include "tasks/hold.h"
#include "tasks/tree.h"

namespace creche::tasks {

void Queue::Signal() noexcept {
  const bool readable = first != nullptr || released || (closed && accepted == 0);
  if (readable == signalled) return;
  const int saved = errno;
  uint64_t count = 1;
  // No cancellation points, as the functions of the C library would be.
  [[maybe_unused]] const long n =
      syscall(readable ? SYS_write : SYS_read, fd.get(), &count, sizeof count);
  signalled = readable;
  errno = saved;
}

void Queue::SignalAgain() noexcept {
  const int saved = errno;
  const uint64_t count = 1;
  [[maybe_unused]] const long n = syscall(SYS_write, fd.get(), &count, sizeof count);
  errno = saved;
}

Status OpenQueue(uint64_t loop, const char* name, uint64_t* id, int* system_errno) noexcept {
  *id = 0;
  platform::UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  *system_errno = fd ? 0 : errno;
  if (!fd) return Status::kSystem;
  auto* queue = new (std::nothrow) Queue;
  if (!queue) return Status::kNoMemory;
  std::unique_ptr<Queue> owned(queue);
  queue->fd = std::move(fd);
  if (name && !(queue->name = strdup(name))) return Status::kNoMemory;
  Section section(loop, Bit(Kind::kLoop));
  Status status = section.status();
  if (section.ok()) {
    Tree* tree = section.tree();
    status = tree->closing() ? Status::kClosed : Status::kOk;
    if (status == Status::kOk) {
      queue->id = AddSlot(tree->domain(), Kind::kQueue, queue);
      if (queue->id == 0) status = Status::kNoMemory;
    }
    if (status == Status::kOk) {
      tree->queues_.all.PushFront(owned.release());
      *id = queue->id;
    }
  }
  if (owned) free(queue->name);
  return status;
}

Status QueueFd(uint64_t id, int* fd) noexcept {
  Section section(id, Bit(Kind::kQueue));
  if (!section.ok()) return section.status();
  *fd = section.As<Queue>()->fd.get();
  return Status::kOk;
}

void Tree::Push(Queue* queue, Entry* entry) noexcept {
  if (queue->released) return DiscardEntry(entry);
  entry->next_entry = nullptr;
  (queue->last ? queue->last->next_entry : queue->first) = entry;
  queue->last = entry;
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
    case EntryType::kYield:  // never in a queue
      return;
  }
}

void Tree::UnrefQueue(Queue* queue) noexcept {
  if (--queue->refs != 0) return;
  while (PostEntry* entry = queue->close_entries) {
    queue->close_entries = static_cast<PostEntry*>(entry->next_entry);
    pools_.posts.Delete(entry);
  }
  free(queue->name);
  delete queue;
}

void Tree::EndQueueIfDone(Queue* queue) noexcept {
  if (!queue->closed || queue->accepted != 0) return;
  queue->Signal();
  NotifyAwaited(queue);
  while (PostEntry* entry = queue->close_entries) {
    queue->close_entries = static_cast<PostEntry*>(entry->next_entry);
    PushReady(entry);
  }
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
    if (const ResultNode* result = ResultOf(node)) c->hold = result->hold;
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

Status DrainQueue(uint64_t id, Completion* completions, size_t capacity, size_t* n,
                  bool rearm) noexcept {
  *n = 0;
  Section section(id, Bit(Kind::kQueue));
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  auto* queue = section.As<Queue>();
  while (*n < capacity && queue->first) {
    Entry* entry = queue->first;
    queue->first = entry->next_entry;
    if (!queue->first) queue->last = nullptr;
    tree->TakeEntry(entry, &completions[(*n)++]);
  }
  tree->counters_.completions += *n;
  if (tree->clock() && *n > 0) tree->RequestWake();  // it may have waited for this
  queue->Signal();
  if (queue->first && *n > 0 && rearm) queue->SignalAgain();
  const bool over = *n == 0 && !queue->first && queue->closed && queue->accepted == 0;
  return over ? Status::kClosed : Status::kOk;
}

Status WaitQueue(uint64_t id, Completion* completions, size_t capacity, Nanos timeout,
                 size_t* n) noexcept {
  *n = 0;
  if (Loop::OnAnyLoop()) return Status::kWouldDeadlock;
  const Nanos until = After(platform::MonotonicNow(), timeout);
  for (;;) {
    Status status = DrainQueue(id, completions, capacity, n, false);
    if (status != Status::kOk || *n > 0 || capacity == 0) return status;
    int fd;
    Queue* queue;
    Ref<Tree> tree;
    bool turns;
    {
      // A reference keeps the descriptor open while this thread sleeps on it.
      Section section(id, Bit(Kind::kQueue));
      if (!section.ok()) continue;
      queue = section.As<Queue>();
      fd = queue->fd.get();
      if (queue->first) continue;
      if (section.tree()->life_.ended) return Status::kClosed;  // nothing more will come
      tree = Ref<Tree>::Share(section.tree());
      turns = timeout != 0 && tree->BeginAwait(queue);
      queue->refs++;
      tree->queues_.waiters++;
    }
    const int failed = turns ? tree->AwaitTurn(until) : platform::WaitReadable(fd, until);
    bool released, last;
    {
      Section section(*tree);
      released = queue->released;
      tree->UnrefQueue(queue);
      last = --tree->queues_.waiters == 0 && tree->life_.joined;
    }
    if (last) tree->CloseCore();
    if (released) return Status::kClosed;
    if (failed == ETIMEDOUT) return Status::kTimeout;
    if (failed != 0) return failed == EINTR ? Status::kInterrupted : Status::kSystem;
  }
}

Status CloseQueue(uint64_t id, DoneFn done, void* user) noexcept {
  Section section(id, Bit(Kind::kQueue));
  if (!section.ok()) return section.status();
  auto* queue = section.As<Queue>();
  Tree* tree = section.tree();
  PostEntry* entry = nullptr;
  if (done) {
    if (tree->life_.root_done_told) return Status::kClosed;  // nobody can call it
    entry = tree->pools_.posts.New();
    if (!entry) return Status::kNoMemory;
    entry->what = What::kDone;
    entry->fn = done;
    entry->user = user;
  }
  queue->closed = true;
  if (entry) {  // closed before: this caller is told as well, after that one
    Entry* last = queue->close_entries;
    while (last && last->next_entry) last = last->next_entry;
    if (last)
      last->next_entry = entry;
    else
      queue->close_entries = entry;
  }
  tree->EndQueueIfDone(queue);
  return Status::kOk;
}

void ReleaseQueue(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kQueue));
  if (!section.ok()) return;
  auto* queue = section.As<Queue>();
  EndSlot(section.tree()->domain(), id);
  section.tree()->DropQueue(queue);
}

void Tree::DropQueue(Queue* queue) noexcept {
  queue->closed = queue->released = true;
  while (Entry* entry = queue->first) {
    queue->first = entry->next_entry;
    DiscardEntry(entry);
  }
  queue->last = nullptr;
  if (clock()) RequestWake();  // it may have waited for somebody to read what was in it
  queue->Signal();
  NotifyAwaited(queue);
  EndQueueIfDone(queue);
  UnrefQueue(queue);
}

}  // namespace creche::tasks
