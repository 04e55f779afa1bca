// What hooks are told: events from nodes, and what is left over when a loop is joined.
#include <algorithm>
#include <memory>
#include <new>

#include "tasks/label.h"
#include "tasks/tree.h"

namespace creche::tasks {

namespace {

constexpr TraceKind KindOfNode(NodeType type) {
  return static_cast<TraceKind>(static_cast<uint32_t>(type) + 1);
}
static_assert(KindOfNode(NodeType::kRoot) == TraceKind::kLoop &&
              KindOfNode(NodeType::kWait) == TraceKind::kWait);

TraceKind KindOfHandle(uint64_t id) {
  switch (KindOf(id)) {
    case Kind::kSession:
      return TraceKind::kSession;
    case Kind::kResponse:
      return TraceKind::kResponse;
    case Kind::kPool:
      return TraceKind::kPool;
    case Kind::kConnection:
      return TraceKind::kConnection;
    case Kind::kRows:
      return TraceKind::kRows;
    case Kind::kLimiter:
      return TraceKind::kLimiter;
    case Kind::kRate:
      return TraceKind::kRate;
    case Kind::kEvent:
      return TraceKind::kEvent;
    case Kind::kSender:
    case Kind::kReceiver:
      return TraceKind::kChannel;
    default:
      return TraceKind::kObject;
  }
}

}  // namespace

TraceEvent Tree::MakeEvent(EventType type, const Node* node) noexcept {
  TraceEvent event{};
  event.size = sizeof event;
  event.type = type;
  event.loop = id();
  event.time = now();
  event.duration = -1;
  event.name = event.site = event.text = "";
  event.kind = TraceKind::kPost;
  if (!node) return event;
  event.kind = KindOfNode(node->type);
  event.id = node->id;
  if (node->parent) event.parent = node->parent->id;
  if (node->label) {
    event.name = NameOf(node->label);
    event.site = SiteOf(node->label);
  }
  return event;
}

void Tree::NoteEvent(EventType type, const Node* node, Status status) noexcept {
  if (!observers_.trace->wants(type)) return;
  TraceEvent event = MakeEvent(type, node);
  event.status = static_cast<int32_t>(status);
  const bool over = type == EventType::kEnded || type == EventType::kLeaked;
  if (over && !node->is_scope()) {
    const Nanos started = static_cast<const EndNode*>(node)->started;
    event.duration = event.time > started ? event.time - started : 0;
  }
  if (type == EventType::kStalled) event.what = static_cast<uint32_t>(What::kStalled);
  if (type == EventType::kCancelled) {
    event.reason = static_cast<uint32_t>(node->called_by);
    // The first reason sticks; this one may be a later one, of which nothing else is kept.
    if (const Cause* cause = node->cause.get(); cause && cause->reason == node->called_by) {
      event.by = cause->by;
      event.text = cause->text.c_str();
    }
  }
  observers_.trace->Add(event);
}

// With the lock held, before a joined loop takes them with it.
void Tree::NoteForgotten() noexcept {
  const bool wanted = observers_.trace && observers_.trace->wants(EventType::kLeaked);
  const auto note = [&](TraceKind kind, uint64_t id, const char* name) {
    TraceEvent event = MakeEvent(EventType::kLeaked, nullptr);
    event.kind = kind;
    event.id = id;
    if (name) event.name = name;
    observers_.trace->Add(event);
  };
  for (const Queue* queue = queues_.all.first(); wanted && queue; queue = queues_.all.Next(queue))
    if (!queue->released) note(TraceKind::kQueue, queue->id, queue->name);
  for (const Waitable* each = waitables_.all.first(); wanted && each;
       each = waitables_.all.Next(each))
    if (const uint64_t id = each->Handle(); id != 0) note(KindOfHandle(id), id, each->name);
  for (const EndNode* group = joinables_.first(); group; group = joinables_.Next(group)) {
    Note(EventType::kLeaked, group);
    if (debugs())
      Report(LogEvent::kNotClosed, group, "has ended, and nobody has joined it", nullptr);
  }
}

// Owned handles that nobody has released. No lock held.
void Tree::NoteObjects() noexcept {
  if (!observers_.trace || !observers_.trace->wants(EventType::kLeaked)) return;
  size_t n = ObjectsOf::Find(*this, nullptr, 0);
  const std::unique_ptr<ObjectsOf::One[]> found(new (std::nothrow) ObjectsOf::One[n]);
  n = found ? std::min(n, ObjectsOf::Find(*this, found.get(), n)) : 0;
  for (size_t i = 0; i < n; i++) {
    // Those that a loop closes, before it does; the others when it is joined.
    const Kind kind = KindOf(found[i].id);
    const bool resident = kind == Kind::kSession || kind == Kind::kPool;
    if (resident == life_.residents_noted) continue;
    TraceEvent event = MakeEvent(EventType::kLeaked, nullptr);
    event.kind = KindOfHandle(found[i].id);
    event.id = found[i].id;
    event.duration = found[i].age;
    observers_.trace->Add(event);
  }
}

}  // namespace creche::tasks
