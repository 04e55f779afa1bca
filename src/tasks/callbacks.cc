// The callbacks of a turn: completions, notices, posts. The lock is let go while code of the user's
// runs, and so is what the hooks are told.
#include <memory>

#include "platform/user_code.h"
#include "tasks/fast_path.h"

namespace creche::tasks {

// Of no task, or perhaps of none any more. A function of its own, so that Call has less to save.
[[gnu::noinline]] void Tree::CallOther(Entry* entry, TreeLock& lock) noexcept {
  if (entry->entry_type == EntryType::kPost) return CallPost(static_cast<PostEntry*>(entry), lock);
  if (Entry* end = EndYield(static_cast<YieldEntry*>(entry))) Call(end, lock);
}

void Tree::Call(Entry* entry, TreeLock& lock) noexcept {
  if (entry->entry_type >= EntryType::kPost) return CallOther(entry, lock);
  counters_.completions++;
  EndNode* node = NodeOf(entry);
  OwnerNode* owner = node->owner();
  calling_.owner = owner;
  calling_.follow_up = nullptr;
  if (entry->entry_type == EntryType::kBegin) {
    calling_.task = node;
    CallBegin(static_cast<UserNode*>(node), lock);
    calling_.owner = nullptr;
    calling_.task = nullptr;
    return;
  }
  calling_.task = entry->entry_type == EntryType::kNotice ? node : static_cast<Node*>(owner);
  switch (entry->entry_type) {
    case EntryType::kNotice:
      CallNotice(static_cast<UserNode*>(node), entry, lock);
      break;
    case EntryType::kFinal:
      CallFinal(node, owner, lock);
      break;
    default:
      CallMore(static_cast<MoreEntry*>(entry), lock);
      break;
  }
  calling_.owner = nullptr;
  calling_.task = nullptr;
}

void Tree::CallPost(PostEntry* post, TreeLock& lock) noexcept {
  counters_.completions++;
  if (Queue* queue = post->queue) {
    queue->accepted--;
    Push(queue, post);
    EndQueueIfDone(queue);
    return UnrefQueue(queue);
  }
  Completion c{};
  c.kind = static_cast<uint32_t>(post->what);
  c.user = post->user;
  c.value = post->value;
  const DoneFn fn = post->fn;
  observers_.EnterCallback(nullptr, post->what, fn);
  pools_.posts.Delete(post);
  lock.unlock();
  DeliverEvents();
  platform::CallUser(fn, c.user, &c);
  lock.lock();
  observers_.LeaveCallback();
}

void Tree::CallFinal(EndNode* node, OwnerNode* owner, TreeLock& lock) noexcept {
  Completion c;
  Fill(node, &c);
  if (node->is_wait()) static_cast<WaitNode*>(node)->NoteTold();
  EndId(node);
  if (node->parent != owner) {
    // In its bare scope it no longer counts, so that its callback may leave the scope.
    node->parent->branch()->live--;
    if (node->parent->leaving) QueueSettle(node->parent);
    node->parent = owner;
    owner->below.live++;
    // Before the callback, which may leave a scope around the one that goes now.
    if (!settling_.empty()) Settle();
  }
  {
    // Its error and data live until the callback has returned.
    const ErrorRef error = std::move(node->error);
    std::unique_ptr<Held> held;
    if (Details* details = DetailsOf(node)) held = std::move(details->held);
    observers_.EnterCallback(node, node->what, node->done);
    lock.unlock();
    DeliverEvents();
    if (node->route == Route::kListener)
      static_cast<UserNode*>(node)->listener->BodyEnded(
          {.status = node->status, .value = static_cast<UserNode*>(node)->value, .error = error});
    else
      platform::CallUser(node->done, node->user, &c);
  }
  lock.lock();
  observers_.LeaveCallback();
  if (node->is_root()) return;
  Uncount(node);
  Retire(node);
}

void Tree::CallMore(MoreEntry* more, TreeLock& lock) noexcept {
  const EndNode* node = more->node;
  Completion c{};
  c.flags = kMore | (more->outcome.owned ? kOwned : 0u);
  c.user = node->user;
  c.task = node->id;
  c.kind = static_cast<uint32_t>(more->what);
  c.status = static_cast<int32_t>(more->outcome.status);
  c.code = more->outcome.code;
  c.value = more->outcome.value;
  c.data = more->outcome.data;
  c.data_size = more->outcome.size;
  c.error = more->outcome.error ? &more->outcome.error->fields() : nullptr;
  observers_.EnterCallback(node, more->what, node->done);
  lock.unlock();
  DeliverEvents();
  platform::CallUser(node->done, node->user, &c);
  delete more;
  lock.lock();
  observers_.LeaveCallback();
}

// One that a cancellation has let past its group's limit hears of that, also if a shield went up
// meanwhile.
inline void Tree::TellOfCancel(UserNode* task) noexcept {
  if ((task->cancelled || task->waited) && !task->ending)
    Notify(task, task->cancel(), What::kCancel);
}

// The first that a task is told, which holds it open since it was listed, whatever the callback
// does.
void Tree::CallBegin(UserNode* task, TreeLock& lock) noexcept {
  Entry* begin = static_cast<EndNode*>(task);
  begin->listed = false;
  begin->entry_type = EntryType::kFinal;
  begin->what = What::kDone;
  task->begun = true;
  Note(EventType::kStarted, task);
  Completion c{};
  c.kind = static_cast<uint32_t>(What::kBegin);
  c.flags = kMore;
  if (!task->fast) c.value = task->begin_value;
  c.user = task->body_user;
  c.task = task->id;
  const DoneFn fn = task->body_fn;
  observers_.EnterCallback(task, What::kBegin, fn);
  lock.unlock();
  DeliverEvents();
  platform::CallUser(fn, c.user, &c);
  lock.lock();
  observers_.LeaveCallback();
  TellOfCancel(task);
  task->below.pending--;
  if (task->below.pending == 0 && task->ending && EndFast(task)) return;
  QueueSettleIfIdle(task);
}

// The same of another notice, or of the begin of an external task.
void Tree::CallNotice(UserNode* task, Entry* notice, TreeLock& lock) noexcept {
  const What what = notice->what;
  const bool begin = what == What::kBegin;
  notice->listed = false;
  if (begin) {
    task->begun = true;
    Note(EventType::kStarted, task);
  }
  if (begin || !task->ending) {
    const bool external = task->type == NodeType::kExternal;
    const DoneFn fn = external ? task->done : task->body_fn;
    Completion c{};
    c.kind = static_cast<uint32_t>(what);
    c.flags = kMore;
    c.value = begin ? task->begin_value : 0;
    c.user = external ? task->user : task->body_user;
    c.task = task->id;
    ErrorRef why;
    if (what == What::kCancel) why = CancelError(task, Status::kCancelled, Phase::kTask);
    if (why) c.error = &why->fields();
    observers_.EnterCallback(task, what, fn);
    lock.unlock();
    DeliverEvents();
    platform::CallUser(fn, c.user, &c);
    lock.lock();
    observers_.LeaveCallback();
    if (begin) TellOfCancel(task);
  }
  task->below.pending--;
  QueueSettleIfIdle(task);
}

}  // namespace creche::tasks
