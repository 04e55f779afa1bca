// Seeing it: the live tree as text, and counters. Any thread, also while a callback blocks the
// loop.
#include <algorithm>
#include <cstdio>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {

const char* TypeName(NodeType type) {
  switch (type) {
    case NodeType::kRoot:
      return "loop";
    case NodeType::kScope:
      return "scope";
    case NodeType::kGroup:
      return "group";
    case NodeType::kOperation:
      return "operation";
    case NodeType::kSleep:
      return "sleep";
    case NodeType::kUser:
      return "task";
    case NodeType::kExternal:
      return "external task";
    case NodeType::kOffload:
      return "offloaded function";
  }
  return "?";
}

const char* StateName(const EndNode* node) {
  if (node->type == NodeType::kGroup || node->type == NodeType::kRoot)
    return static_cast<const Group*>(node)->ending ? "closed" : "open";
  switch (node->state) {
    case State::kNew:
      return "new";
    case State::kWaiting:
      return "waiting for the group's limit";
    case State::kStarting:
      return "starting";
    case State::kRunning:
      break;
    case State::kCommitted:
      return "ended";
  }
  if (node->type == NodeType::kOperation) {
    const auto* task = static_cast<const OperationNode*>(node);
    const char* what = task->operation ? task->operation->WaitsFor() : "";
    return what[0] ? what : "running";
  }
  if (node->type == NodeType::kSleep) return "asleep";
  const auto* user = static_cast<const UserNode*>(node);
  return user->ending ? "finished, waiting for its steps" : user->begun ? "running" : "starting";
}

void Line(std::string* text, const Node* node, int depth, Nanos now) {
  char line[256];
  snprintf(line, sizeof line, "%*s%s \"%.100s\" %016llx", std::min(depth, 32) * 2, "",
           TypeName(node->type), node->name ? node->name : "",
           static_cast<unsigned long long>(node->id));
  *text += line;
  if (node->is_owner()) {
    const auto* end = static_cast<const EndNode*>(node);
    snprintf(line, sizeof line, " %s, age %.3f s", StateName(end),
             static_cast<double>(now - end->started) / 1e9);
    *text += line;
    for (const Lease* lease = end->first_lease; lease; lease = lease->next())
      *text += std::string(", holds ") + lease->LeaseName();
  }
  if (node->deadline != kNever && !node->called) {
    snprintf(line, sizeof line, ", deadline in %.3f s",
             static_cast<double>(node->deadline - now) / 1e9);
    *text += line;
  }
  if (node->shield) *text += ", shielded";
  if (node->eff) {
    *text += ", cancelled";
    if (node->cause) *text += std::string(" (") + ReasonName(node->cause->reason) + ")";
  }
  *text += '\n';
}

// Calls visit(node, depth) for a node and all below, parents first.
template <class F>
void Walk(const Node* top, F visit) {
  int depth = 0;
  for (const Node* node = top; node;) {
    visit(node, depth);
    if (node->first_child) {
      node = node->first_child;
      depth++;
      continue;
    }
    while (node != top && !node->next) {
      node = node->parent;
      depth--;
    }
    node = node == top ? nullptr : node->next;
  }
}

}  // namespace

Status DumpLoop(uint64_t loop, std::string* text) noexcept {
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  try {
    const Nanos now = section.tree()->now();
    Walk(section.node(), [&](const Node* node, int depth) { Line(text, node, depth, now); });
    return Status::kOk;
  } catch (const std::bad_alloc&) {
    return Status::kNoMemory;
  }
}

void Tree::Survivors(std::string* text) noexcept {
  try {
    int named = 0, more = 0;
    Walk(&root_, [&](const Node* node, int) {
      if (node->type == NodeType::kRoot) return;
      if (named == 5) {
        more++;
        return;
      }
      named++;
      if (!text->empty()) *text += ", ";
      *text += std::string(TypeName(node->type)) + " \"" + (node->name ? node->name : "") + "\"";
      if (node->is_owner())
        *text += std::string(" (") + StateName(static_cast<const EndNode*>(node)) + ")";
    });
    if (more > 0) *text += " and " + std::to_string(more) + " more";
    if (named == 0)
      *text =
          root_.ending ? "its sessions and pools, which are closing" : "nothing: it is not closed";
  } catch (const std::bad_alloc&) {
    text->clear();
  }
}

Status CountLoop(uint64_t loop, LoopCounters* out) noexcept {
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  const auto& c = section.tree()->counters_;
  *out = {section.tree()->turns(),
          c.started,
          c.ended,
          c.completions,
          c.cancelled,
          c.unobserved,
          c.posts,
          c.tasks,
          c.groups,
          c.scopes,
          c.leases};
  return Status::kOk;
}

}  // namespace creche::tasks
