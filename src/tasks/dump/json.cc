// The tree for programs. Flat, with parents by id: readers of JSON do not take 5,000 levels.
#include <cstdio>

#include "tasks/dump/escape.h"
#include "tasks/dump/snapshot.h"

namespace creche::tasks {

namespace {

class Writer {
 public:
  explicit Writer(std::string* out) : out_(*out) {}
  void Key(const char* key) {
    if (out_.back() != '{') out_ += ',';
    ((out_ += '"') += key) += "\":";
  }
  void String(const char* key, std::string_view value) {
    Key(key);
    out_ += '"';
    EscapeJson(value, &out_);
    out_ += '"';
  }
  void StringOrNull(const char* key, std::string_view value) {
    if (!value.empty()) return String(key, value);
    Key(key);
    out_ += "null";
  }
  void Number(const char* key, int64_t value) {
    Key(key);
    out_ += std::to_string(value);
  }
  void NumberOrNull(const char* key, int64_t value, bool null) {
    if (!null) return Number(key, value);
    Key(key);
    out_ += "null";
  }
  void Bool(const char* key, bool value) {
    Key(key);
    out_ += value ? "true" : "false";
  }
  void Id(const char* key, uint64_t id) {
    Key(key);
    char text[24];
    snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(id));
    out_ += id != 0 ? text : "null";
  }

 private:
  std::string& out_;
};

void WriteNode(const Snapshot& tree, const NodeShot& node, std::string* out) {
  Writer json(out);
  *out += '{';
  json.Id("id", node.id);
  json.Id("parent", node.parent);
  json.String("kind", TypeName(node.type, true));
  json.String("name", tree.NameOf(node));
  json.String("site", tree.SiteOf(node));
  json.String("state", node.doing.state);
  json.StringOrNull("waits_for", tree.WaitsFor(node));
  json.NumberOrNull("age", node.age, node.age < 0);
  json.NumberOrNull("left", node.left, node.left == kNever);
  json.Bool("shield", node.shield);
  json.Key("cancelled");
  if (node.cancelled) {
    *out += '{';
    json.String("reason", ReasonName(node.why));
    json.Id("by", node.by);
    json.String("text", tree.TextOf(node));
    *out += '}';
  } else {
    *out += "null";
  }
  json.Number("live", node.live);
  json.Key("leases");
  *out += '[';
  for (uint32_t i = 0; i < node.leases; i++) {
    *out += i == 0 ? "\"" : ",\"";
    EscapeJson(tree.leases[node.first_lease + i], out);
    *out += '"';
  }
  *out += "]}";
}

}  // namespace

void WriteJson(const Snapshot& tree, std::string* out) {
  Writer json(out);
  *out += '{';
  json.Number("format", 1);
  json.Id("loop", tree.nodes[0].id);
  json.Number("now", tree.now);
  json.Key("nodes");
  *out += '[';
  bool first = true;
  for (const NodeShot& node : tree.nodes) {
    *out += first ? "\n" : ",\n";
    first = false;
    WriteNode(tree, node, out);
  }
  *out += "\n]}\n";
}

}  // namespace creche::tasks
