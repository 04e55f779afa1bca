// Queues as the user has them: opened, drained by any thread, waited for, closed, released.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "platform/wait.h"
#include "tasks/tree.h"

namespace creche::tasks {

Status OpenQueue(uint64_t loop, const char* name, bool socket, uint64_t* id,
                 int* system_errno) noexcept {
  *id = 0;
  auto* queue = new (std::nothrow) Queue;
  if (!queue) return Status::kNoMemory;
  std::unique_ptr<Queue> owned(queue);
  *system_errno = queue->Open(socket);
  if (*system_errno != 0) return Status::kSystem;
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

Status DrainQueue(uint64_t id, Completion* completions, size_t capacity, size_t* n,
                  bool rearm) noexcept {
  *n = 0;
  Section section(id, Bit(Kind::kQueue));
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  auto* queue = section.As<Queue>();
  while (*n < capacity && !queue->entries.empty())
    tree->TakeEntry(queue->entries.Pop(), &completions[(*n)++]);
  tree->counters_.completions += *n;
  if (tree->clock() && *n > 0) tree->RequestWake();  // it may have waited for this
  queue->Signal();
  if (!queue->entries.empty() && *n > 0 && rearm) queue->SignalAgain();
  const bool over = *n == 0 && queue->entries.empty() && queue->closed && queue->accepted == 0;
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
      if (!queue->entries.empty()) continue;
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
  // Closed before: this caller is told as well, after that one.
  if (entry) queue->close_entries.Push(entry);
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

}  // namespace creche::tasks
