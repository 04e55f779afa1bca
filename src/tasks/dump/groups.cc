#include "tasks/dump/groups.h"

#include <algorithm>

#include "tasks/label.h"
#include "tasks/tree.h"
#include "tasks/walk.h"

namespace creche::tasks {

Status CountGroups(uint64_t loop, std::string* name, std::map<std::string, GroupCount>* counts) {
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  const Nanos now = section.tree()->now();
  *name = NameOf(section.node()->label);
  Walk(section.node(), [&](const Node* node, int) {
    if (!node->is_group()) return;
    const auto* group = static_cast<const Group*>(node);
    GroupCount& count = (*counts)[NameOf(node->label)];
    count.groups++;
    count.children += node->branch()->live;
    for (const EndNode* task = group->waiting.first(); task; task = group->waiting.Next(task))
      count.waiting++;
    count.oldest = std::max(count.oldest, now - group->started);
  });
  return Status::kOk;
}

}  // namespace creche::tasks
