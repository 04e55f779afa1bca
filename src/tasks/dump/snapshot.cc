#include "tasks/dump/snapshot.h"

#include "tasks/dump/escape.h"
#include "tasks/label.h"
#include "tasks/waitable/waitable.h"
#include "tasks/walk.h"

namespace creche::tasks {

const char* TypeName(NodeType type, bool word) noexcept {
  const NodeOps& ops = kNodeOps[static_cast<size_t>(type)];
  return word ? ops.word : ops.name;
}

Doing DoingOf(const Node* node) noexcept {
  if (!node->is_task()) return OpsOf(node).describe(node);
  const auto* task = static_cast<const EndNode*>(node);
  switch (task->state) {
    case State::kNew:
      return {"new", nullptr};
    case State::kWaiting:
      return {"waiting", "the group's limit"};
    case State::kStarting:
      if (task->ending) break;  // it was cancelled, and never ran
      if (node->type == NodeType::kOffload && !task->in_effects) return {"waiting", "limiter"};
      return {"starting", "the loop"};
    case State::kRunning:
      break;
    case State::kCommitted:
      return {"ended", nullptr};
  }
  return OpsOf(node).describe(node);
}

void Snapshot::Take(const Node* top, Nanos time) {
  now = time;
  Walk(top, [&](const Node* node, int depth) {
    NodeShot shot{};
    shot.id = node->id;
    shot.parent = node == top ? 0 : node->parent->id;
    shot.depth = depth;
    shot.type = node->type;
    shot.doing = DoingOf(node);
    if (node->is_wait() && shot.doing.waits_for) {
      const auto* wait = static_cast<const WaitNode*>(node);
      shot.awaited = static_cast<uint32_t>(text.size());
      text += shot.doing.waits_for;
      if (wait->on->name && wait->state == State::kRunning) {
        EscapeText(wait->on->name, &(text += " \""));
        text += '"';
      }
      shot.awaited_size = static_cast<uint32_t>(text.size()) - shot.awaited;
    }
    if (!node->is_leaf()) shot.live = node->branch()->live;
    shot.shield = node->shield;
    shot.cancelled = node->cancelled;
    shot.left = node->deadline != kNever && !node->cancel_called ? node->deadline - time : kNever;
    shot.age = -1;
    if (node->label) {
      const char* site = tasks::SiteOf(node->label);
      shot.label = static_cast<uint32_t>(text.size());
      shot.label_size =
          static_cast<uint32_t>(site - node->label + static_cast<ptrdiff_t>(strlen(site)));
      text.append(node->label, shot.label_size);
    }
    if (node->cancelled && node->cause) {
      shot.why = node->cause->reason;
      shot.by = node->cause->by;
      shot.reason = static_cast<uint32_t>(text.size());
      shot.reason_size = static_cast<uint32_t>(node->cause->text.size());
      text += node->cause->text;
    }
    if (!node->is_scope()) {
      const Nanos started = static_cast<const EndNode*>(node)->started;
      shot.age = time > started ? time - started : 0;
      if (!node->is_leaf()) {
        const auto* owner = static_cast<const OwnerNode*>(node);
        shot.first_lease = static_cast<uint32_t>(leases.size());
        const List<Lease>& held = owner->held_leases;
        for (const Lease* lease = held.first(); lease; lease = held.Next(lease), shot.leases++)
          leases.push_back(lease->LeaseName());
      }
    }
    nodes.push_back(shot);
  });
}

std::string_view Snapshot::WaitsFor(const NodeShot& node) const {
  if (node.awaited_size > 0) return std::string_view(text).substr(node.awaited, node.awaited_size);
  return node.doing.waits_for ? node.doing.waits_for : std::string_view();
}

std::string_view Snapshot::NameOf(const NodeShot& node) const {
  const std::string_view label = std::string_view(text).substr(node.label, node.label_size);
  return label.substr(0, label.find('\0'));
}

std::string_view Snapshot::SiteOf(const NodeShot& node) const {
  const std::string_view label = std::string_view(text).substr(node.label, node.label_size);
  const size_t nul = label.find('\0');
  return nul == label.npos ? std::string_view() : label.substr(nul + 1);
}

}  // namespace creche::tasks
