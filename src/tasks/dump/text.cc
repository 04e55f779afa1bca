// The tree for people: one node a line.
#include <algorithm>
#include <cstdio>

#include "tasks/dump/escape.h"
#include "tasks/dump/snapshot.h"

namespace creche::tasks {

void WriteText(const Snapshot& tree, std::string* out) {
  char part[96];
  for (const NodeShot& node : tree.nodes) {
    out->append(static_cast<size_t>(std::min(node.depth, 32)) * 2, ' ');
    *out += TypeName(node.type);
    *out += " \"";
    EscapeText(tree.NameOf(node), out);
    snprintf(part, sizeof part, "\" %016llx", static_cast<unsigned long long>(node.id));
    *out += part;
    if (const std::string_view site = tree.SiteOf(node); !site.empty()) {
      *out += " at ";
      EscapeText(site, out);
    }
    (*out += ", ") += node.doing.state;
    if (const auto what = tree.WaitsFor(node); !what.empty()) (*out += ", waits for ") += what;
    if (node.age >= 0) {
      snprintf(part, sizeof part, ", age %.3f s", static_cast<double>(node.age) / 1e9);
      *out += part;
    }
    for (uint32_t i = 0; i < node.leases; i++)
      (*out += ", holds ") += tree.leases[node.first_lease + i];
    if (node.left != kNever) {
      snprintf(part, sizeof part, ", deadline in %.3f s", static_cast<double>(node.left) / 1e9);
      *out += part;
    }
    if (node.shield) *out += ", shielded";
    if (node.cancelled) {
      *out += ", cancelled";
      if (node.why != Reason::kNone) {
        (*out += " (") += ReasonName(node.why);
        if (const std::string_view text = tree.TextOf(node); !text.empty()) {
          *out += ": ";
          EscapeText(text, out);
        }
        *out += ')';
        if (node.by != 0 && node.by != node.id) {
          snprintf(part, sizeof part, " by %016llx", static_cast<unsigned long long>(node.by));
          *out += part;
        }
      }
    }
    *out += '\n';
  }
}

}  // namespace creche::tasks
