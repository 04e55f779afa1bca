// The last completions of closes: of sessions, pools and queues.
#include "tasks/tree.h"

namespace creche::tasks {

namespace {

// With the lock held. *entry stays null if nobody is to be told.
Status MakeEntry(Tree* tree, const StartArgs& args, uint64_t named, uint64_t value,
                 PostEntry** entry) {
  Queue* queue = nullptr;
  if (args.route == Route::kDefault && named != 0) {
    Status status = Status::kOk;
    queue = static_cast<Queue*>(FindHere(tree->domain(), named, Bit(Kind::kQueue), &status));
    if (queue && queue->closed) return Status::kClosed;
  }
  if (!queue && args.route != Route::kFunction) return Status::kOk;
  if (tree->life_.root_done_told) return Status::kEnded;
  PostEntry* made = tree->pools_.posts.New();
  if (!made) return Status::kNoMemory;
  made->what = What::kDone;
  made->fn = args.done;
  made->user = args.user;
  made->value = value;
  made->queue = queue;
  if (queue) {
    queue->refs++;
    queue->accepted++;
  }
  *entry = made;
  return Status::kOk;
}

}  // namespace

Status CloseNotice::Make(Loop& loop, const StartArgs& args, uint64_t queue, uint64_t value,
                         CloseNotice* notice) noexcept {
  notice->entry_ = nullptr;
  if (args.route == Route::kNobody) return Status::kOk;
  Section section(static_cast<Tree&>(loop).root()->id, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  return MakeEntry(section.tree(), args, queue, value, &notice->entry_);
}

Status CloseNotice::Tell(Loop& loop, const StartArgs& args, uint64_t queue,
                         uint64_t value) noexcept {
  if (args.route == Route::kNobody) return Status::kOk;
  Section section(static_cast<Tree&>(loop).root()->id, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  PostEntry* entry = nullptr;
  const Status status = MakeEntry(section.tree(), args, queue, value, &entry);
  if (entry) section.tree()->PushReady(entry);
  return status;
}

void CloseNotice::Deliver(Loop& loop) noexcept {
  if (!entry_) return;
  auto& tree = static_cast<Tree&>(loop);
  Section section(tree);
  tree.PushReady(std::exchange(entry_, nullptr));
}

Status CheckQueue(Loop& loop, uint64_t queue) noexcept {
  if (queue == 0) return Status::kOk;
  Section section(static_cast<Tree&>(loop).root()->id, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  Status status = Status::kOk;
  const auto* found = static_cast<const Queue*>(
      FindHere(section.tree()->domain(), queue, Bit(Kind::kQueue), &status));
  return found && found->closed ? Status::kClosed : status;
}

}  // namespace creche::tasks
