#include "tasks/log.h"

#include <new>
#include <utility>

#include "tasks/dump/snapshot.h"
#include "tasks/label.h"
#include "tasks/tree.h"

namespace creche::tasks {

void LogRecord::Add(const char* field, int64_t number) {
  fields.push_back({field, std::to_string(number), number, true});
}

void LogRecord::AddError(const Error& error) {
  Add("error", StatusName(error.status()));
  Add("phase", static_cast<int64_t>(error.phase()));
  Add("why", error.message());
}

bool Logs(Loop& loop, LogLevel level) noexcept {
  return static_cast<uint32_t>(level) <= loop.log_level();
}

void AddLog(Loop& loop, LogRecord* record) noexcept {
  auto& tree = static_cast<Tree&>(loop);
  record->loop = tree.id();
  record->time = tree.now();
  tree.observers_.trace->Add(std::move(*record));
}

void CountLostLog(Loop& loop) noexcept {
  static_cast<Tree&>(loop).observers_.trace->CountLost();
}

// Lock held. About a node: debug mode.
void Tree::Report(LogEvent event, const Node* node, const char* message,
                  const char* status) noexcept {
  Trace* const trace = observers_.trace.get();
  try {
    LogRecord record;
    record.level = LogLevel::kWarn;
    record.event = event;
    record.loop = id();
    record.time = now();
    record.message = message;
    record.id = node->id;
    record.name = NameOf(node->label);
    record.site = SiteOf(node->label);
    record.Add("kind", TypeName(node->type, true));
    if (status) record.Add("error", status);
    trace->Add(std::move(record));
  } catch (const std::bad_alloc&) {
    trace->CountLost();
  }
}

// What is joined needs no route.
void Tree::ReportNowhere(const EndNode* node) noexcept {
  if (node->is_group() && static_cast<const Group*>(node)->joinable) return;
  Report(LogEvent::kNowhere, node,
         "has a completion that goes nowhere: `done` is NULL and there is no queue; give one, or "
         "creche_nobody",
         nullptr);
}

void ReportRefused(uint64_t scope) noexcept {
  if (!Trace::Any()) return;
  Section section(scope, kScopeKinds);
  if (!section.ok() || !section.tree()->debugs()) return;
  section.tree()->Report(LogEvent::kRefused, section.node(),
                         "work was refused: this is ending, or takes no more", "CRECHE_E_CLOSED");
}

}  // namespace creche::tasks
