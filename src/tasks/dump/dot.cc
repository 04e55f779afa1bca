// The tree as a picture, for Graphviz.
#include <cstdio>

#include "tasks/dump/escape.h"
#include "tasks/dump/snapshot.h"

namespace creche::tasks {

namespace {

const char* ShapeOf(NodeType type) {
  switch (type) {
    case NodeType::kRoot:
      return "doubleoctagon";
    case NodeType::kGroup:
      return "folder";
    case NodeType::kScope:
      return "component";
    default:
      return "box";
  }
}

void WriteLabel(const Snapshot& tree, const NodeShot& node, std::string* out) {
  char part[64];
  *out += TypeName(node.type);
  if (const std::string_view name = tree.NameOf(node); !name.empty()) {
    *out += ' ';
    EscapeDot(name, out);
  }
  if (const std::string_view site = tree.SiteOf(node); !site.empty()) {
    *out += "\\n";
    EscapeDot(site, out);
  }
  (*out += "\\n") += node.doing.state;
  if (const auto what = tree.WaitsFor(node); !what.empty())
    EscapeDot(what, &(*out += ", waits for "));
  if (node.age >= 0) {
    snprintf(part, sizeof part, "\\nage %.3f s", static_cast<double>(node.age) / 1e9);
    *out += part;
  }
  if (node.left != kNever) {
    snprintf(part, sizeof part, "\\nleft %.3f s", static_cast<double>(node.left) / 1e9);
    *out += part;
  }
  for (uint32_t i = 0; i < node.leases; i++)
    (*out += "\\nholds ") += tree.leases[node.first_lease + i];
  if (node.cancelled) {
    (*out += "\\ncancelled: ") += ReasonName(node.why);
    if (const std::string_view text = tree.TextOf(node); !text.empty()) {
      *out += ": ";
      EscapeDot(text, out);
    }
  }
}

}  // namespace

void WriteDot(const Snapshot& tree, std::string* out) {
  char part[128];
  *out += "digraph creche {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n";
  for (const NodeShot& node : tree.nodes) {
    const auto id = static_cast<unsigned long long>(node.id);
    snprintf(part, sizeof part, "  \"%016llx\" [shape=%s%s%s, label=\"", id, ShapeOf(node.type),
             node.shield ? ", peripheries=2" : "",
             node.cancelled ? ", style=filled, fillcolor=mistyrose" : "");
    *out += part;
    WriteLabel(tree, node, out);
    *out += "\"];\n";
    if (node.parent == 0) continue;
    snprintf(part, sizeof part, "  \"%016llx\" -> \"%016llx\";\n",
             static_cast<unsigned long long>(node.parent), id);
    *out += part;
  }
  *out += "}\n";
}

}  // namespace creche::tasks
