// Snapshot: what a dump says of each node, taken under the tree's lock in one pass and written out
// without it, so that a large tree does not stop its loop for the time of formatting. No recursion.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "tasks/api.h"
#include "tasks/node/nodes.h"

namespace creche::tasks {

// What a node is doing.
Doing DoingOf(const Node* node) noexcept;

struct NodeShot {
  uint64_t id, parent;  // parent 0: the loop
  uint64_t by;          // who cancelled it
  Nanos age;            // -1: unknown
  Nanos left;           // to its own deadline; kNever: none
  Doing doing;
  uint32_t label, label_size;  // name, NUL, site: in Snapshot::text
  uint32_t reason, reason_size;
  uint32_t awaited, awaited_size;  // what a wait is for, with its name
  uint32_t first_lease, leases;    // in Snapshot::leases
  uint32_t live;
  int32_t depth;
  NodeType type;
  Reason why;  // it is cancelled
  bool cancelled, shield;
};

struct Snapshot {
  // Needs the lock. May throw bad_alloc.
  void Take(const Node* top, Nanos time);

  std::string_view WaitsFor(const NodeShot& node) const;  // empty: for nothing
  std::string_view NameOf(const NodeShot& node) const;
  std::string_view SiteOf(const NodeShot& node) const;
  std::string_view TextOf(const NodeShot& node) const {
    return std::string_view(text).substr(node.reason, node.reason_size);
  }

  Nanos now = 0;
  std::vector<NodeShot> nodes;  // parents before their children
  std::vector<const char*> leases;
  std::string text;
};

// "group"; with `word` one without blanks, for programs.
const char* TypeName(NodeType type, bool word = false) noexcept;

// Appends a snapshot in one of the formats. May throw bad_alloc.
void WriteText(const Snapshot& tree, std::string* out);
void WriteJson(const Snapshot& tree, std::string* out);
void WriteDot(const Snapshot& tree, std::string* out);

}  // namespace creche::tasks
