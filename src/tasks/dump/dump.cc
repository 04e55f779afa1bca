// Seeing it: the live tree, who is left, and counters. Any thread, also while a callback blocks the
// loop.
#include "tasks/dump/escape.h"
#include "tasks/dump/snapshot.h"
#include "tasks/label.h"
#include "tasks/tree.h"
#include "tasks/walk.h"

namespace creche::tasks {

Status DumpLoop(uint64_t loop, DumpFormat format, std::string* text) noexcept {
  try {
    Snapshot tree;
    {
      Section section(loop, Bit(Kind::kLoop));
      if (!section.ok()) return section.status();
      const auto& c = section.tree()->counters_;
      tree.nodes.reserve(c.started - c.ended + c.scopes + 1);
      tree.Take(section.node(), section.tree()->now());
    }
    switch (format) {
      case DumpFormat::kText:
        WriteText(tree, text);
        break;
      case DumpFormat::kJson:
        WriteJson(tree, text);
        break;
      case DumpFormat::kDot:
        WriteDot(tree, text);
        break;
    }
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
      const Doing doing = DoingOf(node);
      *text += std::string(TypeName(node->type)) + " \"";
      EscapeText(NameOf(node->label), text);
      *text += '"';
      if (const char* site = SiteOf(node->label); site[0]) EscapeText(site, &(*text += " at "));
      *text += std::string(" (") + doing.state;
      if (doing.waits_for) *text += std::string(", waits for ") + doing.waits_for;
      *text += ')';
    });
    if (more > 0) *text += " and " + std::to_string(more) + " more";
    if (named == 0)
      *text =
          root_.ending ? "its sessions and pools, which are closing" : "nothing: it is not closed";
  } catch (const std::bad_alloc&) {
    text->clear();
  }
}

Status ReadLag(uint64_t loop, Histogram::Values* turns, Histogram::Values* callbacks) noexcept {
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  section.tree()->lag().turns.Read(turns);
  section.tree()->lag().callbacks.Read(callbacks);
  return Status::kOk;
}

Status CountLoop(uint64_t loop, LoopCounters* out) noexcept {
  Status status;
  const Ref<Loop> found = FindLoop(loop, &status);
  if (!found) return status;
  const size_t objects = ObjectsOf::Find(*found, nullptr, 0);
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
          c.started - c.ended - c.groups,
          c.groups,
          c.scopes,
          c.leases,
          section.tree()->lag().callbacks.max(),
          c.stalls,
          c.leaked,
          objects,
          section.tree()->observers_.trace ? section.tree()->observers_.trace->lost() : 0};
  const List<Queue>& queues = section.tree()->queues_.all;
  for (const Queue* queue = queues.first(); queue; queue = queues.Next(queue))
    out->live_handles += !queue->released;
  const List<Waitable>& waitables = section.tree()->waitables_.all;
  for (const Waitable* each = waitables.first(); each; each = waitables.Next(each))
    out->live_handles += each->Handles();
  return Status::kOk;
}

}  // namespace creche::tasks
