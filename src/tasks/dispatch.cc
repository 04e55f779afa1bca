// The loop's part of a turn: deadlines, effects (starting and cancelling operations), callbacks.
#include <algorithm>
#include <mutex>

#include "platform/user_code.h"
#include "tasks/plain.h"
#include "tasks/rate.h"

namespace creche::tasks {

void Tree::PushEffect(EndNode* node) noexcept {
  if (node->in_effects) return;
  node->in_effects = true;
  node->link_next = nullptr;
  node->link_prev = effects_last_;
  (effects_last_ ? effects_last_->link_next : effects_first_) = node;
  effects_last_ = node;
  Poke();
}

void Tree::RemoveEffect(EndNode* node) noexcept {
  node->in_effects = false;
  (node->link_prev ? node->link_prev->link_next : effects_first_) = node->link_next;
  (node->link_next ? node->link_next->link_prev : effects_last_) = node->link_prev;
  node->link_next = node->link_prev = nullptr;
}

bool Tree::Ready() noexcept {
  std::lock_guard guard(domain_->lock);
  return ReadyLocked();
}

bool Tree::ReadyLocked() const noexcept {
  return came_ || ready_first_ || effects_first_ || dead_ || with_errors_ || !trash_.empty() ||
         ended_ || (root_.ending && root_.pending == 0 && !residents_closing_);
}

void Tree::TakeInterrupts() noexcept {
  if (!domain_->interrupted.exchange(false)) return;
  for (auto& place : domain_->interrupts) {
    const uint64_t id = place.exchange(0);
    Status status;
    if (id == 0) continue;
    if (void* found = FindHere(domain_, id, kScopeKinds, &status))
      if (!IsOver(static_cast<Node*>(found)))
        Cancel(static_cast<Node*>(found), Reason::kInterrupt, id, nullptr);
  }
}

// With the lock held.
void Tree::Expire(Nanos now) noexcept {
  TakeInterrupts();
  while (Deadline* expired = deadlines_.PopExpired(now)) {
    Node* node = static_cast<Node*>(static_cast<Expiry*>(expired));
    Cancel(node, Reason::kDeadline, node->id, nullptr);
  }
  if (shutdown_at_ <= now) {
    shutdown_at_ = kNever;
    CancelAll();
  }
  while (Deadline* expired = graces_.PopExpired(now))
    NameStalled(static_cast<Group*>(static_cast<Grace*>(expired)));
  while (Deadline* expired = sleeps_.PopExpired(now))
    CommitKept(static_cast<SleepNode*>(static_cast<Alarm*>(expired)));
  while (Deadline* expired = waits_.paces.PopExpired(now))
    static_cast<Rate*>(static_cast<Pace*>(expired))->Serve(now);
}

void Tree::NameStalled(Group* group) noexcept {
  for (Node* node = group->first_child(); node;) {
    if (node->type == NodeType::kUser || node->type == NodeType::kExternal) {
      auto* task = static_cast<UserNode*>(node);
      // Whom a shield protects was not asked to stop.
      if (task->begun && task->eff && !task->ending) {
        Notify(task, task->stalled(), What::kStalled);
        Note(EventType::kStalled, task);
      }
    }
    Node* next = node->first_child();
    if (!next) {
      while (node != group && !node->next) node = node->parent;
      next = node == group ? nullptr : node->next;
    }
    node = next;
  }
}

bool Tree::RunEffects(std::unique_lock<platform::Lock>& lock) noexcept {
  if (!effects_first_) return false;
  while (EndNode* node = effects_first_) {
    RemoveEffect(node);
    RunEffect(node, lock);
    if (settle_) Settle();
  }
  stamp_ = platform::MonotonicNow();
  return true;
}

void Tree::RunEffect(EndNode* node, std::unique_lock<platform::Lock>& lock) noexcept {
  if (node->give_back) {
    node->give_back = false;
    auto* owner = static_cast<OwnerNode*>(node);
    owner->pending++;  // it stays until all are given back, though others may be moved away
                       // meanwhile
    // Something may have been started in a group meanwhile: then they go after that.
    while (owner->pending == owner->leases + 1 && owner->first_lease) {
      Lease* lease = owner->first_lease;
      DetachLease(lease);
      if (lease->GiveBackLocked()) continue;
      lease->given_back_ = true;
      lock.unlock();
      lease->GiveBack();
      lock.lock();
    }
    owner->pending--;
    return MaySettle(owner);
  }
  if (node->type == NodeType::kOffload) return RunOffload(static_cast<UserNode*>(node), lock);
  if (node->type != NodeType::kOperation) return Begin(node);  // its group's limit has let it in
  auto* task = static_cast<OperationNode*>(node);
  Operation* operation = task->operation.get();
  if (task->state == State::kStarting) {
    task->state = State::kRunning;
    const bool dropped = task->dropped;
    if ((task->world = operation->WaitsForWorld())) world_++;
    if (!dropped) Note(EventType::kStarted, task);
    lock.unlock();
    if (dropped)
      operation->Drop();
    else
      operation->Start();
    lock.lock();
    return;
  }
  if (task->tell_cancel && !task->told) {
    task->told = true;
    std::unique_ptr<Answer> unheard = std::move(task->answer);
    task->asked = false;
    lock.unlock();
    unheard.reset();
    operation->Cancel();
    lock.lock();
    return;
  }
  if (std::unique_ptr<Answer> answer = std::move(task->answer)) {
    lock.unlock();
    operation->Answer(answer->status, std::move(answer->bytes), answer->more,
                      std::move(answer->error));
    lock.lock();
  }
}

bool Tree::Dispatch(Nanos now) noexcept {
  std::unique_lock lock(domain_->lock);
  Expire(now);
  if (settle_) Settle();
  bool did = RunEffects(lock);
  if (shuffle_ != 0) ShuffleReady();
  Nanos since = stamp_, longest = 0;
  unsigned called = 0;
  // One batch: what becomes ready meanwhile waits for the next turn, after I/O.
  for (Entry *last = ready_last_, *entry = nullptr; last && entry != last;) {
    entry = ready_first_;
    ready_first_ = entry->next_entry;
    if (!ready_first_) ready_last_ = nullptr;
    Call(entry, lock);
    if (settle_) Settle();
    // The clock is read for up to so many callbacks at once: all but a long one take no time.
    constexpr unsigned kAtOnce = 16;
    if (++called % kAtOnce != 0 && entry != last) continue;
    stamp_ = platform::MonotonicNow();
    longest = std::max(longest, stamp_ - since);
    since = stamp_;
  }
  if (called > 0) lag_.callbacks.Add(longest);
  did |= called > 0;
  did |= RunEffects(lock);
  EmptyTrash(lock);
  if (root_.ending && root_.pending == 0) did |= TryEnd(lock);
  did |= std::exchange(ends_, false);
  poke_ = false;  // it will look again before it sleeps
  lock.unlock();
  Tell();
  return did;
}

void Tree::BeginYield(SleepNode* task) noexcept {
  YieldEntry* place = yields_pool_.New(task, turns());
  if (!place) return Commit(task, {.status = Status::kNoMemory, .error = NoMemoryError()});
  task->yields = true;
  task->place = place;
  PushReady(place);
}

// The turn has come to where a yield stands. Unless it was cut it ends only now, and is told at
// once: what came before it, be it a post, a deadline or a cancellation, has happened. Its own
// completion if that is to be called, or null.
Entry* Tree::EndYield(YieldEntry* place) noexcept {
  SleepNode* task = place->node;
  if (task && place->turn == turns()) {  // from another thread, behind this turn's deadlines
    PushReady(place);
    return nullptr;
  }
  yields_pool_.Delete(place);
  if (!task) return nullptr;
  task->yields = false;
  Stand(task, Phase::kNone);
  if (task->route != Route::kFunction) {
    RouteFinal(task);
    return nullptr;
  }
  if (settle_) Settle();
  return static_cast<EndNode*>(task);
}

// Of no task, or perhaps of none any more. A function of its own, so that Call has less to save.
[[gnu::noinline]] void Tree::CallOther(Entry* entry,
                                       std::unique_lock<platform::Lock>& lock) noexcept {
  if (entry->entry_type == EntryType::kPost) return CallPost(static_cast<PostEntry*>(entry), lock);
  if (Entry* end = EndYield(static_cast<YieldEntry*>(entry))) Call(end, lock);
}

void Tree::Call(Entry* entry, std::unique_lock<platform::Lock>& lock) noexcept {
  if (entry->entry_type >= EntryType::kPost) return CallOther(entry, lock);
  counters_.completions++;
  EndNode* node = NodeOf(entry);
  OwnerNode* owner = node->owner();
  calling_owner_ = owner;
  calling_ = entry->entry_type == EntryType::kNotice ? node : static_cast<Node*>(owner);
  follow_up_ = nullptr;
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
  calling_owner_ = nullptr;
  calling_ = nullptr;
}

void Tree::CallPost(PostEntry* post, std::unique_lock<platform::Lock>& lock) noexcept {
  counters_.completions++;
  if (Queue* queue = post->queue) {
    queue->accepted--;
    Push(queue, post);
    QueueMayEnd(queue);
    return UnrefQueue(queue);
  }
  Completion c{};
  c.kind = static_cast<uint32_t>(post->what);
  c.user = post->user;
  c.value = post->value;
  const DoneFn fn = post->fn;
  EnterCallback(nullptr, post->what, fn);
  posts_pool_.Delete(post);
  lock.unlock();
  Tell();
  platform::CallUser(fn, c.user, &c);
  lock.lock();
  LeaveCallback();
}

void Tree::CallFinal(EndNode* node, OwnerNode* owner,
                     std::unique_lock<platform::Lock>& lock) noexcept {
  Completion c;
  Fill(node, &c);
  if (node->type == NodeType::kWait) TellWait(static_cast<WaitNode*>(node));
  EndId(node);
  if (node->parent != owner) {
    // In its bare scope it no longer counts, so that its callback may leave the scope.
    node->parent->branch()->live--;
    if (node->parent->leaving) MaySettle(node->parent);
    node->parent = owner;
    owner->below.live++;
    // Before the callback, which may leave a scope around the one that goes now.
    if (settle_) Settle();
  }
  {
    // Its error and data live until the callback has returned.
    const ErrorRef error = std::move(node->error);
    std::unique_ptr<Held> held;
    if (ResultNode* result = ResultOf(node)) held = std::move(result->held);
    EnterCallback(node, node->what, node->done);
    lock.unlock();
    Tell();
    if (node->route == Route::kListener)
      static_cast<UserNode*>(node)->listener->BodyEnded(
          {.status = node->status, .value = static_cast<UserNode*>(node)->value, .error = error});
    else
      platform::CallUser(node->done, node->user, &c);
  }
  lock.lock();
  LeaveCallback();
  if (node->type == NodeType::kRoot) return;
  Uncount(node);
  Retire(node);
}

void Tree::CallMore(MoreEntry* more, std::unique_lock<platform::Lock>& lock) noexcept {
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
  EnterCallback(node, more->what, node->done);
  lock.unlock();
  Tell();
  platform::CallUser(node->done, node->user, &c);
  delete more;
  lock.lock();
  LeaveCallback();
}

void Tree::CallNotice(UserNode* task, Entry* notice,
                      std::unique_lock<platform::Lock>& lock) noexcept {
  // It holds its task open since it was listed, whatever the callback does.
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
    EnterCallback(task, what, fn);
    lock.unlock();
    Tell();
    platform::CallUser(fn, c.user, &c);
    lock.lock();
    LeaveCallback();
    // One that a cancellation has let past its group's limit hears of that, also if a shield went
    // up meanwhile.
    if (begin && (task->eff || task->waited) && !task->ending)
      Notify(task, task->cancel(), What::kCancel);
  }
  task->pending--;
  if (task->pending == 0 && task->ending && EndPlain(task)) return;
  MaySettleOwner(task);
}

void Tree::EmptyTrash(std::unique_lock<platform::Lock>& lock) noexcept {
  while (dead_ || with_errors_ || !trash_.empty()) {
    Operation* dead = std::exchange(dead_, nullptr);
    Node* freed = std::exchange(with_errors_, nullptr);
    std::vector<End> trash = std::move(trash_);
    trash_.clear();
    lock.unlock();
    while (dead) {
      Operation* next = dead->next_dead_;
      delete dead;
      dead = next;
    }
    for (Node* node = freed; node; node = node->next) DropErrors(node);
    for (End& end : trash)
      if (end.flags & kOwned) ReleaseValue(end.value);
    trash.clear();
    lock.lock();
    while (freed) DeleteNode(std::exchange(freed, freed->next));
  }
}

}  // namespace creche::tasks
